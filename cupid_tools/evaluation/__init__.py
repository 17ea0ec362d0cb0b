"""How far scores can be trusted: metrics, baselines, intervals, figures and the report. No argparse, no torch."""

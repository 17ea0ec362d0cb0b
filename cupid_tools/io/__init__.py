"""Files: how each format is read, checked and written. No science, no argparse, no torch."""

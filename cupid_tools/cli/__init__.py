"""One module per executable: ``get_parser()``, ``run(args, report)``, ``main(argv=None) -> int``.

A module imports only the standard library and our own light modules at its top, so that ``--help`` is instant and man
pages can be built without torch or numpy.
"""

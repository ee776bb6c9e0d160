"""One module for each subcommand of `minqing`: `configure(parser)` and `run(options) -> exit code`, imported lazily."""

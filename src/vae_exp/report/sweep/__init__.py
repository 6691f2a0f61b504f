"""The page about many runs: what varied, what it cost in rate and distortion, what failed."""

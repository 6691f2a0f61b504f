"""Where the configuration is, whether it is right, and how it becomes objects; knows no model."""

"""Pages of HTML about runs, made from their folders: one file each, that needs neither the network nor the data."""

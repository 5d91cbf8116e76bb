"""Files: folders, archives, lines and encodings, before anybody asks what they hold."""

"""Selection: which rows a budget is spent on. Pure."""

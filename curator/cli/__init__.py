"""The command line: `app` joins the verbs, one file each."""

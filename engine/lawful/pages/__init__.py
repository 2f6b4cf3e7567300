"""Pages for a browser, one file each, that load nothing: for a screen, a phone and paper, in two languages."""

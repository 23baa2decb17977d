package main

import "github.com/spf13/cobra"

func newArchive(e *env) *cobra.Command {
	return newGroup("archive", "Import, export, search and removal of posts", "  sangam archive import heplink old.mbox.gz", newArchiveImport(e), newArchiveExport(e),
		newArchiveSearch(e), newArchiveReindex(e), newArchiveRemove(e))
}

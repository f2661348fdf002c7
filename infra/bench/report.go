package main

import (
	"fmt"
	"os"
	"text/tabwriter"
)

// A row is one thing measured: our function's figure, the bare one's, how they compare, and what
// the comparison should be.
type row struct{ what, ours, bare, compared, target string }

// print writes rows as a table. bare is the function that ours is measured beside.
func print(rows []row, bare string) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "\tours\t"+bare+"\tcompared\ttarget")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.what, r.ours, r.bare, r.compared, r.target)
	}
	fmt.Fprintln(table)
	return table.Flush()
}

package main

import (
	"fmt"
	"os"
	"text/tabwriter"
)

// A row is one thing measured: our function's figure, the bare one's, how they compare, and what
// the comparison should be.
type row struct{ name, ours, bare, compared, target string }

// printTable writes rows as a table. bare is the function that ours is measured beside.
func printTable(rows []row, bare string) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "\tours\t"+bare+"\tcompared\ttarget")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.name, r.ours, r.bare, r.compared, r.target)
	}
	fmt.Fprintln(table)
	return table.Flush()
}

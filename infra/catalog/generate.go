package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"aoai-bridge/shared/catalog"
)

// result is the catalog, and a report on how it was made.
type result struct {
	tables        *tables
	prices        []catalog.Price
	disagreements []disagreement
	verdicts      []verdict
}

// verdict says what a row of a wheel was used for.
type verdict struct {
	wheel, key string
	model      string // in the catalog; "" where the row is left out
	version    string
	leftOut    string // the reason, "" where the row is used
}

// generate writes rows.go and README's table of costs, and reports disagreements and what each row was used for.
func generate(dir string, out io.Writer) error {
	m, err := build(dir)
	if err != nil {
		return err
	}
	file, err := source(m.tables, m.prices)
	if err != nil {
		return err
	}
	if err := replace(filepath.Join(dir, "rows.go"), file, out); err != nil {
		return err
	}
	pins, err := manifest(dir)
	if err != nil {
		return err
	}
	readme := filepath.Join(dir, "../../README.md")
	text, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	if text, err = updateReadme(text, m, pins); err != nil {
		return err
	}
	if err := replace(readme, text, out); err != nil {
		return err
	}
	for _, d := range m.disagreements {
		fmt.Fprintln(out, "the higher price is used:", d)
	}
	counts := map[string]int{}
	for _, v := range m.verdicts {
		counts[v.wheel+": "+cmp.Or(v.leftOut, "used")]++
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(out, "%4d %s\n", counts[what], what)
	}
	fmt.Fprintf(out, "%4d models, %d prices\n", len(m.tables.Models), len(m.prices))
	return nil
}

// replace writes a file if that changes it, and says so.
func replace(name string, content []byte, out io.Writer) error {
	if before, err := os.ReadFile(name); err == nil && bytes.Equal(before, content) {
		return nil
	}
	fmt.Fprintln(out, filepath.Base(name), "has changed")
	return os.WriteFile(name, content, 0o644)
}

// build reads what is kept in dir, and builds the catalog from it.
func build(dir string) (*result, error) {
	pins, err := manifest(dir)
	if err != nil {
		return nil, err
	}
	known, err := readCorrections(dir)
	if err != nil {
		return nil, err
	}
	var rows []litellmRow
	if err := readJSON(filepath.Join(dir, "sources", litellm+".json"), &rows); err != nil {
		return nil, err
	}
	var others []genaiRow
	if err := readJSON(filepath.Join(dir, "sources", genaiPrices+".json"), &others); err != nil {
		return nil, err
	}
	b := &builder{
		corrections: known, pins: pins, models: map[string]*catalog.Model{},
		book: book{offers: map[terms]*offer{}}, result: result{tables: &tables{Aliases: known.Aliases}},
	}
	return b.build(rows, others)
}

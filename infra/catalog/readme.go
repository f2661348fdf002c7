package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aoai-bridge/shared/catalog"
)

// shown are the models in README's table of costs. Azure must still sell them.
var shown = []string{"gpt-6.1-sol", "gpt-6-luna", "gpt-5.5", "gpt-5.4-mini", "gpt-5", "gpt-4.1-mini", "gpt-4o"}

// calls are what the table is about.
var calls = catalog.Usage{Calls: 1000, Input: 1_000_000, Output: 300_000}

// The lines of README.md between which the table stands.
const (
	tableBegins = "<!-- make catalog writes this table -->\n"
	tableEnds   = "<!-- the end of the table -->\n"
)

// updateReadme returns README.md with the table of costs that the rows make.
func updateReadme(readme []byte, made *result, pins map[string]pin) ([]byte, error) {
	before, rest, begins := bytes.Cut(readme, []byte(tableBegins))
	_, after, ends := bytes.Cut(rest, []byte(tableEnds))
	if !begins || !ends {
		return nil, fmt.Errorf("README.md has no lines %q and %q", tableBegins, tableEnds)
	}
	table, err := costTable(made, pins)
	if err != nil {
		return nil, err
	}
	return slices.Concat(before, []byte(tableBegins), []byte(table), []byte(tableEnds), after), nil
}

// costTable is the table of costs on the day of LiteLLM's wheel.
func costTable(made *result, pins map[string]pin) (string, error) {
	day := pins[litellm].Date
	var b strings.Builder
	fmt.Fprintf(&b, "1,000 calls of 1,000 tokens in and 300 out, in USD, by LiteLLM %s of %s and genai-prices %s of %s:\n\n",
		pins[litellm].Version, day, pins[genaiPrices].Version, pins[genaiPrices].Date)
	b.WriteString("| model | Global Standard | Data Zone Standard | Global Batch | retirement |\n|---|---|---|---|---|\n")
	for _, name := range shown {
		i := slices.IndexFunc(made.tables.Models, func(m *catalog.Model) bool { return m.Name == name })
		if i < 0 {
			return "", fmt.Errorf("the table of costs names %s, which is not a model of the catalog", name)
		}
		retired := "not stated"
		if on := made.tables.Models[i].Retirement; on != nil {
			if retired = *on; retired <= day {
				return "", fmt.Errorf("the table of costs names %s, which was retired on %s: show another model", name, retired)
			}
		}
		fmt.Fprintf(&b, "| %s |", name)
		for _, t := range []catalog.DeploymentType{catalog.GlobalStandard, catalog.DataZoneStandard, catalog.GlobalBatch} {
			fmt.Fprintf(&b, " %s |", costsOn(made.prices, name, t, day))
		}
		fmt.Fprintf(&b, " %s |\n", retired)
	}
	return b.String(), nil
}

// costsOn shows what the calls cost on a deployment type, for each data zone if they differ.
func costsOn(prices []catalog.Price, model string, t catalog.DeploymentType, day string) string {
	var costs, zones []string // side by side
	for i := range prices {
		p := &prices[i]
		if p.Model != model || p.Version != "" || p.Type != t || p.Tier != catalog.StandardTier || p.From > day || p.Until != "" && p.Until < day {
			continue
		}
		usd, ok := p.Cost(calls)
		if !ok {
			continue
		}
		cost := dollars(usd)
		if p.Until != "" {
			cost += " until " + p.Until
		}
		if last := len(costs) - 1; last >= 0 && costs[last] == cost {
			zones[last] += ", " + p.Zone
			continue
		}
		costs, zones = append(costs, cost), append(zones, p.Zone)
	}
	switch len(costs) {
	case 0:
		if t.Batch() {
			return "none"
		}
		return "not stated"
	case 1:
		return costs[0]
	}
	for i := range costs {
		costs[i] += " (" + zones[i] + ")"
	}
	return strings.Join(costs, ", ")
}

// dollars shows cents at least, and no more digits than there are.
func dollars(usd float64) string {
	text := strconv.FormatFloat(usd, 'f', -1, 64)
	if _, digits, _ := strings.Cut(text, "."); len(digits) < 2 {
		return strconv.FormatFloat(usd, 'f', 2, 64)
	}
	return text
}

package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/shared/catalog"
)

const dir = "../../shared/catalog"

// The rows that are committed must be those that the sources and the corrections make, byte for byte and
// every time.
func TestRowsAreTheSources(t *testing.T) {
	committed, err := os.ReadFile(filepath.Join(dir, "rows.go"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // maps have another order each time
		m, err := build(dir)
		if err != nil {
			t.Fatal(err)
		}
		made, err := source(m.tables, m.prices)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(committed, made) {
			t.Fatal("rows.go is not what sources and corrections.json make: run go generate ./shared/catalog")
		}
	}
}

// stated is one price of a wheel, and the catalog's.
type stated struct {
	row  string
	what kind
	want float64
	got  catalog.Rate
	note string
}

// compareRate counts how prices compare: they are equal, or the catalog's row gives the reason.
func compareRate(t *testing.T, counts map[string]int, s stated, reasons []string) {
	t.Helper()
	switch {
	case s.got.Known && s.got.USD == s.want:
		counts["equal"]++
	case slices.ContainsFunc(reasons, func(reason string) bool { return strings.Contains(s.note, reason) }):
		counts["corrected"]++
		t.Logf("corrected: %s: %s: %v, not %g: %s", s.row, s.what, s.got, s.want, s.note)
	case s.got.Known && s.got.USD > s.want && strings.Contains(s.note, "the higher is used"):
		counts["the higher of two"]++
		t.Logf("the higher of two: %s: %s: %g, not %g", s.row, s.what, s.got.USD, s.want)
	default:
		t.Errorf("%s: %s is %v, want %g, and the row gives no reason: %q", s.row, s.what, s.got, s.want, s.note)
	}
}

// rateOf finds a rate of a price.
func rateOf(p *catalog.Price, what kind) catalog.Rate {
	rates := p.Rates
	if name, above := strings.CutPrefix(string(what), long); above {
		if what = kind(name); p.Long == nil {
			return catalog.Rate{}
		}
		rates = *p.Long
	}
	return map[kind]catalog.Rate{input: rates.Input, cached: rates.CachedInput, cacheWrite: rates.CacheWrite, output: rates.Output}[what]
}

// Every price of both wheels must be in the catalog, or the catalog says why it is not. The test looks prices up
// as users of the catalog do.
func TestEveryRowOfTheWheels(t *testing.T) {
	known, err := readCorrections(dir)
	if err != nil {
		t.Fatal(err)
	}
	pins, err := manifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, c := range known.Prices {
		reasons = append(reasons, c.Reason)
	}
	m, err := build(dir)
	if err != nil {
		t.Fatal(err)
	}
	leftOut := map[string]string{}
	for _, v := range m.verdicts {
		leftOut[v.wheel+" "+v.key] = v.leftOut
	}
	rows, prices := map[string]int{}, map[string]int{}
	on := catalog.Terms{Day: pins[litellm].Date}

	var theirs []litellmRow
	if err := readJSON(filepath.Join(dir, "sources/litellm.json"), &theirs); err != nil {
		t.Fatal(err)
	}
	for _, row := range theirs {
		reason, listed := leftOut[litellm+" "+row.Key]
		n, err := catalog.Embedded().Lookup(known.name(path.Base(row.Key)))
		switch {
		case !listed:
			t.Errorf("%s was not classified", row.Key)
		case reason != "":
			rows["left out: "+reason]++
			if err == nil && len(row.Prices) > 0 && !strings.HasPrefix(row.Key, "azure/us-gov/") {
				t.Errorf("%s was left out, though %s is in the catalog", row.Key, n.Name)
			}
		case err != nil:
			t.Errorf("%s: %v", row.Key, err)
		case row.AliasOf != "":
			rows["another name"]++
			if n.Name != path.Base(row.AliasOf) {
				t.Errorf("%s is %s, want %s", row.Key, n.Name, row.AliasOf)
			}
		default:
			rows["used"]++
			compareRow(t, prices, row, n, on, reasons)
		}
	}

	var others []genaiRow
	if err := readJSON(filepath.Join(dir, "sources/genai-prices.json"), &others); err != nil {
		t.Fatal(err)
	}
	for _, row := range others {
		reason, listed := leftOut[genaiPrices+" "+row.ID]
		if !listed {
			t.Errorf("%s was not classified", row.ID)
		}
		if reason != "" {
			rows["left out: genai-prices: "+reason]++
			continue
		}
		rows["used"]++
		for _, name := range row.Names {
			n, err := catalog.Embedded().Lookup(name)
			if err != nil {
				continue // a name of theirs
			}
			p, _ := catalog.Embedded().Price(n, catalog.GlobalStandard, on)
			for member, what := range map[string]kind{"input_mtok": input, "cache_read_mtok": cached, "output_mtok": output} {
				if want, ok := row.Prices[member]; ok {
					compareRate(t, prices, stated{genaiPrices + " " + name, what, number(t, want), rateOf(p, what), p.Note}, reasons)
				}
			}
		}
	}
	total := 0
	for _, what := range slices.Sorted(maps.Keys(rows)) {
		t.Logf("%4d rows %s", rows[what], what)
		total += rows[what]
	}
	if total != len(theirs)+len(others) {
		t.Errorf("%d rows were compared, want %d", total, len(theirs)+len(others))
	}
	for _, what := range slices.Sorted(maps.Keys(prices)) {
		t.Logf("%4d prices %s", prices[what], what)
	}
}

func (c *corrections) name(asked string) string {
	if name, ok := c.RowNames[asked]; ok {
		return name
	}
	return asked
}

func compareRow(t *testing.T, counts map[string]int, row litellmRow, n catalog.Named, on catalog.Terms, reasons []string) {
	t.Helper()
	parts := strings.Split(row.Key, "/")
	for name, price := range row.Prices {
		zone := ""
		if len(parts) == 3 && !strings.HasPrefix(parts[1], "global") {
			zone = parts[1]
		}
		q, err := parsePrice(name, price, zone)
		if err != nil {
			t.Errorf("%s: %v", row.Key, err)
			continue
		}
		on.Zone, on.Tier = zone, q.tier
		p, reason := catalog.Embedded().Price(n, q.kind, on)
		if p == nil {
			t.Errorf("%s: %s: %s", row.Key, name, reason)
			continue
		}
		want, _ := q.price.Float64()
		compareRate(t, counts, stated{row.Key, q.what, want, rateOf(p, q.what), p.Note}, reasons)
	}
	if day, _ := n.Retires(); row.Retirement != "" && day != row.Retirement {
		t.Errorf("%s is retired on %s, want %s", row.Key, day, row.Retirement)
	}
}

func number(t *testing.T, n json.Number) float64 {
	t.Helper()
	f, err := n.Float64()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

package estimate

import "aoai-bridge/shared/catalog"

// Cost is what a request costs on one deployment type. USD is of the tokens that are counted and of the output that
// is expected; AtMost is of the longest answer, and of the most that the uncounted parts may be.
type Cost struct {
	catalog.Cost
	OutputIncluded *bool    `json:"output_included,omitempty"` // in USD; nil where there is no output, as of embeddings
	OutputBound    *int     `json:"output_bound,omitempty"`    // tokens
	AtMost         *float64 `json:"at_most"`                   // USD; nil: nothing bounds it, or it is not known
	AtMostReason   string   `json:"at_most_reason,omitempty"`  // why it is nil
}

// Costs returns the rows with what most costs by each. unbounded says why there is no most, and is "" if there is.
func Costs(rows []catalog.Cost, most catalog.Usage, unbounded string) []Cost {
	costs := make([]Cost, len(rows))
	for i, row := range rows {
		cost := Cost{Cost: row, AtMostReason: unbounded}
		if unbounded == "" {
			if usd, ok := row.Of(most); ok {
				cost.AtMost = &usd
			} else {
				cost.AtMostReason = "a price that it needs is not known"
			}
		}
		costs[i] = cost
	}
	return costs
}

// costs returns what a request costs on each deployment type.
func (r *Report) costs(rows []catalog.Cost, n *catalog.Named, count *Count, u catalog.Usage, o Options) []Cost {
	most, reason := u, count.Unpriced
	input, why := count.AtMost(n)
	switch {
	case reason != "":
	case input == nil:
		reason = why
	default:
		most.Input = int64(*input)
		most.CacheWrite = mostWritten(r.CacheWrite, u, most.Input, o)
	}
	if r.Output != nil {
		switch {
		case r.Output.Bound != nil:
			most.Output = int64(max(*r.Output.Bound, r.Output.Paid) + count.MoreOutput)
		case reason == "":
			reason = "no source states how long an answer of " + n.Name + " may be: give a limit in the request"
		}
	}
	costs := Costs(rows, most, reason)
	if r.Output != nil {
		included := r.Output.known
		for i := range costs {
			costs[i].OutputIncluded, costs[i].OutputBound = &included, r.Output.Bound
		}
	}
	return costs
}

// mostWritten returns how much of the most input may be written to the cache: all that is not read from it, or what
// the caller says and all that is not counted.
func mostWritten(w *CacheWrite, u catalog.Usage, most int64, o Options) int64 {
	switch {
	case w == nil || most < cacheable:
		return 0
	case o.CacheWrite != nil:
		return u.CacheWrite + most - u.Input
	}
	return most - u.CachedInput
}

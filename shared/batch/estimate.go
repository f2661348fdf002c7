package batch

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/usage"
)

// Estimate is what a job is expected to cost.
type Estimate struct {
	usage.Usage
	USD      *float64 `json:"usd"`                // nil where a model has no known price
	Standard *float64 `json:"usd_standard"`       // the same at the price of calls by Global Standard
	Unpriced []string `json:"unpriced,omitempty"` // the models without a price
}

// money adds up prices, and remembers where one was missing.
type money struct {
	usd, standard float64
	unpriced      []string // for what is paid
	unknown       bool     // a price of Global Standard is missing
	catalog       *catalog.Catalog
}

// maxUnpriced is how many models without a price are named.
const maxUnpriced = 20

// newMoney prices by the catalog, and by the Azure secret where that knows better.
func (s *Service) newMoney(ctx context.Context) (*money, error) {
	known, _, err := s.azure.Catalog(ctx, "")
	return &money{catalog: known}, err
}

// charge adds what a part's tokens cost.
func (m *money) charge(p *Part, u usage.Usage) {
	kind := p.Type
	if kind == "" { // the secret lists no deployments: the types that most have
		kind = catalog.GlobalStandard
		if p.Mode == Batch {
			kind = catalog.GlobalBatch
		}
	}
	usd, ok := price(m.catalog, p.Serves, kind, u, p.Lines)
	if !ok && len(m.unpriced) < maxUnpriced && !slices.Contains(m.unpriced, p.Serves) {
		m.unpriced = append(m.unpriced, p.Serves)
	}
	m.usd += usd
	standard, ok := price(m.catalog, p.Serves, catalog.GlobalStandard, u, p.Lines)
	m.unknown = m.unknown || !ok
	m.standard += standard
}

// total is what is paid, nil where that is not known.
func (m *money) total() *float64 {
	if len(m.unpriced) > 0 {
		return nil
	}
	return &m.usd
}

func (m *money) atStandard() *float64 {
	if m.unknown {
		return nil
	}
	return &m.standard
}

func (s *Service) estimate(ctx context.Context, plan *Plan) error {
	m, err := s.newMoney(ctx)
	if err != nil {
		return err
	}
	var sum usage.Usage
	for i := range plan.Parts {
		part := &plan.Parts[i]
		u := usage.Usage{Input: part.Tokens, Output: part.OutputTokens}
		sum.Add(u)
		m.charge(part, u)
	}
	plan.Estimate = Estimate{Usage: sum, USD: m.total(), Standard: m.atStandard(), Unpriced: m.unpriced}
	return nil
}

// The codes of failures that are of a job's cost.
const (
	costUnknown = "cost_unknown"
	costTooHigh = "cost_ceiling_exceeded"
)

func (f *Failure) ofCost() bool { return f.Code == costUnknown || f.Code == costTooHigh }

// reconsider looks again at a job that was refused for its cost: at today's prices, and by the ceiling that
// its owner names now, if there is one.
func (s *Service) reconsider(ctx context.Context, job *Job, plan *Plan, ceiling *float64) error {
	if ceiling != nil {
		job.Settings.Ceiling = *ceiling
	}
	if err := s.estimate(ctx, plan); err != nil {
		return err
	}
	plan.Failure = s.overCeiling(job, plan)
	if err := s.store.Put(ctx, jobKey(job.ID), job); err != nil {
		return err
	}
	return s.store.Put(ctx, planKey(job.ID), plan)
}

// overCeiling refuses a job that may cost more than it is allowed, or nobody knows what.
func (s *Service) overCeiling(job *Job, plan *Plan) *Failure {
	ceiling := job.Settings.Ceiling
	if ceiling == 0 || len(plan.Parts) == 0 {
		return nil
	}
	// A job keeps the ceiling that it began with: a higher one of the stack is for new jobs.
	letThrough := "To let it through, put the file there again with the metadata cost-ceiling=%s, or start the workflow with the same input, \"take_over\": true and options.cost_ceiling. The stack's parameter BatchCostCeiling is the ceiling of new jobs that name none."
	if job.Origin == OriginAPI {
		letThrough = "To let it through, create the batch again with the metadata " + MetadataPrefix + "cost-ceiling=%s, if your key may spend that: the owner of this endpoint can allow more with make key NAME=... REPLACE=1 COST_CEILING=... The stack's parameter BatchCostCeiling is the ceiling of new batches that name none."
	}
	e := plan.Estimate
	switch {
	case e.USD == nil:
		return &Failure{costUnknown, fmt.Sprintf(
			"Nothing was sent: no price is known for %q, so the job cannot be held against its ceiling of %s USD. Put the price into the Azure secret. "+letThrough,
			e.Unpriced, amount(ceiling), "none")}
	case *e.USD > ceiling:
		return &Failure{costTooHigh, fmt.Sprintf(
			"Nothing was sent: the job is expected to cost %s USD (%d tokens in, about %d out), above its ceiling of %s USD. "+letThrough,
			amount(*e.USD), e.Input, e.Output, amount(ceiling), fmt.Sprintf("%.0f", math.Ceil(*e.USD)))}
	}
	return nil
}

// amount is a sum as people read it, exact to a millionth.
func amount(usd float64) string { return strconv.FormatFloat(math.Round(usd*1e6)/1e6, 'f', -1, 64) }

package plan

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/usage"
)

// estimate estimates what the parts of a plan cost.
func (p *Planner) estimate(ctx context.Context, plan *job.Plan) error {
	bill, err := NewBill(ctx, p.azure)
	if err != nil {
		return err
	}
	var sum usage.Usage
	for i := range plan.Parts {
		part := &plan.Parts[i]
		u := usage.Usage{Input: part.Tokens, Output: part.OutputTokens}
		sum.Add(u)
		bill.Charge(part, catalog.StandardTier, job.Tally{Lines: part.Lines, Usage: u})
	}
	plan.Estimate = job.Estimate{Usage: sum, USD: bill.total(), Standard: bill.atStandard(), Unpriced: bill.unpriced}
	return nil
}

// reconsider looks again at a job that was refused for its cost: at today's prices, and by the ceiling that
// its owner names now, if there is one.
func (p *Planner) reconsider(ctx context.Context, j *job.Job, plan *job.Plan, ceiling *float64) error {
	if ceiling != nil {
		j.Settings.Ceiling = *ceiling
	}
	if err := p.estimate(ctx, plan); err != nil {
		return err
	}
	plan.Failure = overCeiling(j, plan)
	if err := p.store.Put(ctx, job.Key(j.ID), j); err != nil {
		return err
	}
	return p.store.Put(ctx, job.PlanKey(j.ID), plan)
}

// overCeiling refuses a job that may cost more than it is allowed, or whose cost is not known.
func overCeiling(j *job.Job, plan *job.Plan) *job.Failure {
	ceiling := j.Settings.Ceiling
	if ceiling == 0 || len(plan.Parts) == 0 {
		return nil
	}
	// A job keeps the ceiling that it began with: a higher one of the stack is for new jobs.
	letThrough := "To let it through, put the file there again with the metadata cost-ceiling=%s, or start the workflow with the same input, \"take_over\": true and options.cost_ceiling. The stack's parameter BatchCostCeiling is the ceiling of new jobs that name none."
	if j.Origin == job.OriginAPI {
		letThrough = "To let it through, create the batch again with the metadata " + job.MetadataPrefix + "cost-ceiling=%s, if your key may spend that: the owner of this endpoint can allow more with make key NAME=... REPLACE=1 COST_CEILING=... The stack's parameter BatchCostCeiling is the ceiling of new batches that name none."
	}
	e := plan.Estimate
	switch {
	case e.USD == nil:
		return &job.Failure{Code: job.CostUnknown, Message: fmt.Sprintf(
			"Nothing was sent: no price is known for %q, so the job cannot be held against its ceiling of %s USD. Put the price into the Azure secret. "+letThrough,
			e.Unpriced, amount(ceiling), "none")}
	case *e.USD > ceiling:
		return &job.Failure{Code: job.CostTooHigh, Message: fmt.Sprintf(
			"Nothing was sent: the job is expected to cost %s USD (%d tokens in, about %d out), above its ceiling of %s USD. "+letThrough,
			amount(*e.USD), e.Input, e.Output, amount(ceiling), fmt.Sprintf("%.0f", math.Ceil(*e.USD)))}
	}
	return nil
}

// amount is a sum as people read it, exact to a millionth.
func amount(usd float64) string { return strconv.FormatFloat(math.Round(usd*1e6)/1e6, 'f', -1, 64) }

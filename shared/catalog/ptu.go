package catalog

import (
	"fmt"
	"math"
)

// PTU is how much a provisioned throughput unit of a model carries, and in which amounts it is sold.
type PTU struct {
	Model             string   `json:"model,omitempty"`
	InputTPM          float64  `json:"input_tpm"` // input tokens per minute and PTU
	OutputRatio       float64  `json:"output_ratio"`
	GlobalMin         int      `json:"global_min"` // of global and data zone deployments
	GlobalIncrement   int      `json:"global_increment"`
	RegionalMin       int      `json:"regional_min"`
	RegionalIncrement int      `json:"regional_increment"`
	LatencyTarget     string   `json:"latency_target,omitempty"`
	MaxPrompt         int      `json:"max_prompt,omitempty"` // tokens; longer prompts are refused
	Weights           *Weights `json:"weights,omitempty"`    // in place of OutputRatio
	Source            string   `json:"source,omitempty"`
}

// Weights are what a token of each kind counts for, in prompts up to and above the length from which a
// model's long prompts cost more.
type Weights struct {
	Short Weight `json:"short"`
	Long  Weight `json:"long"`
}

// Weight is what a token of each kind counts for.
type Weight struct {
	Input       float64 `json:"input"`
	CachedInput float64 `json:"cached_input"`
	CacheWrite  float64 `json:"cache_write"`
	Output      float64 `json:"output"`
}

// Capacity is how many PTUs a rate of calls needs on one deployment type. Nil is not known, and the
// reason says why.
type Capacity struct {
	Type      DeploymentType `json:"type"`
	PTUs      *int           `json:"ptus"`
	Raw       *float64       `json:"raw_ptus"` // before the minimum and the increment
	Minimum   int            `json:"minimum,omitempty"`
	Increment int            `json:"increment,omitempty"`
	USDPerHr  *float64       `json:"usd_per_hour"`
	Source    string         `json:"source,omitempty"`
	Reason    string         `json:"reason,omitempty"`
	Note      string         `json:"note,omitempty"`
}

// maxPTUs is what one deployment may have. Source: Microsoft Foundry documentation, provisioned
// throughput sizing.
const maxPTUs = 100000

// PTUs returns what calls of that usage need, so many a minute, on each provisioned deployment type:
// input that is not cached and output by its ratio, or every token by its weight, over what a PTU
// carries, rounded up to the increment and to no less than the minimum.
func (c *Catalog) PTUs(n Named, u Usage, callsPerMinute float64) []Capacity {
	var all []Capacity
	row := c.ptus[n.Name]
	for _, t := range []DeploymentType{GlobalProvisionedManaged, DataZoneProvisionedManaged, ProvisionedManaged} {
		capacity := Capacity{Type: t}
		switch {
		case row == nil:
			capacity.Reason = "no source in hand states what a PTU of this model carries"
		case row.MaxPrompt > 0 && u.Input > int64(row.MaxPrompt):
			capacity.Reason = fmt.Sprintf("provisioned deployments of this model refuse prompts above %d tokens", row.MaxPrompt)
		default:
			capacity.compute(row, n, u, callsPerMinute)
			if p := c.overrides[overrideKey{n.Name, "", t}]; p != nil && p.PTUHour.Known && capacity.PTUs != nil {
				usd := Rounded(float64(*capacity.PTUs) * p.PTUHour.USD)
				capacity.USDPerHr = &usd
			}
		}
		all = append(all, capacity)
	}
	return all
}

func (c *Capacity) compute(row *PTU, n Named, u Usage, callsPerMinute float64) {
	raw := row.inInputTokens(n, u) * callsPerMinute / row.InputTPM
	shown := math.Round(raw*100) / 100
	c.Raw, c.Source = &shown, row.Source
	c.Minimum, c.Increment = row.GlobalMin, row.GlobalIncrement
	if c.Type == ProvisionedManaged {
		c.Minimum, c.Increment = row.RegionalMin, row.RegionalIncrement
	}
	if raw > maxPTUs {
		c.Reason = fmt.Sprintf("one deployment has at most %d PTUs", maxPTUs)
		return
	}
	steps := math.Ceil(raw / float64(c.Increment))
	ptus := max(c.Minimum, int(steps)*c.Increment)
	c.PTUs = &ptus
}

// inInputTokens returns how many input tokens one call counts for.
func (p *PTU) inInputTokens(n Named, u Usage) float64 {
	fresh := float64(u.Input - u.CachedInput)
	if p.Weights == nil {
		return fresh + p.OutputRatio*float64(u.Output)
	}
	fresh -= float64(u.CacheWrite)
	w := p.Weights.Short
	if u.above(n.LongAbove) {
		w = p.Weights.Long
	}
	return w.Input*fresh + w.CachedInput*float64(u.CachedInput) + w.CacheWrite*float64(u.CacheWrite) + w.Output*float64(u.Output)
}

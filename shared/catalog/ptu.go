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
	USDPerMo  *float64       `json:"usd_per_month"` // of hoursPerMonth
	Source    string         `json:"source,omitempty"`
	Reason    string         `json:"reason,omitempty"`
	Note      string         `json:"note,omitempty"`

	PriceReason string `json:"price_reason,omitempty"` // why the sums are nil

	// The same calls paid by the token, on the deployment type TokensType. BreakEven is the rate of calls above which
	// the fewest PTUs that are sold cost less.
	TokensType      DeploymentType `json:"tokens_type,omitempty"`
	TokensUSDPerMo  *float64       `json:"tokens_usd_per_month,omitempty"`
	BreakEven       *float64       `json:"break_even_calls_per_minute"`
	BreakEvenReason string         `json:"break_even_reason,omitempty"` // why it is nil

	rate, raw float64 // calls a minute, and the PTUs that they fill
	perMo     float64 // USD per PTU; 0 is not known
}

// hoursPerMonth is what Azure's price lists take for a month.
const hoursPerMonth = 730

// tokensTypes has the deployment type that each provisioned one is compared with.
var tokensTypes = map[DeploymentType]DeploymentType{
	GlobalProvisionedManaged: GlobalStandard, DataZoneProvisionedManaged: DataZoneStandard, ProvisionedManaged: Standard,
}

// Compare holds PTUs against the same calls paid by the token, at the highest of a type's prices. costs are of one call.
func (c *Capacity) Compare(costs []Cost) {
	c.TokensType = tokensTypes[c.Type]
	byToken, known := 0.0, false // USD a month of one call a minute
	for _, cost := range costs {
		if cost.Type == c.TokensType && cost.USD != nil {
			byToken, known = max(byToken, Rounded(*cost.USD*60*hoursPerMonth)), true
		}
	}
	if known {
		usd := Rounded(byToken * c.rate)
		c.TokensUSDPerMo = &usd
	}
	switch {
	case c.perMo == 0:
		c.BreakEvenReason = "the price of a PTU is not known"
	case !known:
		c.BreakEvenReason = "the price by the token is not known on " + string(c.TokensType)
	case c.Raw == nil:
		c.BreakEvenReason = c.Reason
	case byToken == 0 || c.raw*c.perMo >= c.rate*byToken:
		c.BreakEvenReason = "PTUs in full use cost more than the tokens that they carry"
	default:
		rate := math.Round(float64(c.Minimum)*c.perMo/byToken*1e6) / 1e6
		c.BreakEven = &rate
	}
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
		capacity := Capacity{Type: t, rate: callsPerMinute}
		switch {
		case row == nil:
			capacity.Reason = "no source in hand states what a PTU of this model carries"
		case row.MaxPrompt > 0 && u.Input > int64(row.MaxPrompt):
			capacity.Reason = fmt.Sprintf("provisioned deployments of this model refuse prompts above %d tokens", row.MaxPrompt)
		default:
			capacity.compute(row, n, u)
		}
		capacity.price(c.overrides[overrideKey{n.Name, "", t}])
		all = append(all, capacity)
	}
	return all
}

// price adds what the PTUs cost.
func (c *Capacity) price(p *Price) {
	switch {
	case p == nil || !p.PTUHour.Known:
		c.PriceReason = `no source in hand states what a PTU costs an hour: add "ptu_hour" for ` + string(c.Type) + ` to "prices" in the Azure secret`
	case c.PTUs == nil:
		c.PriceReason = "how many PTUs are needed is not known: " + c.Reason
	default:
		hour, month := Rounded(float64(*c.PTUs)*p.PTUHour.USD), Rounded(float64(*c.PTUs)*p.PTUHour.USD*hoursPerMonth)
		c.USDPerHr, c.USDPerMo = &hour, &month
	}
	if p != nil {
		c.perMo = p.PTUHour.USD * hoursPerMonth
	}
}

func (c *Capacity) compute(row *PTU, n Named, u Usage) {
	raw := row.inInputTokens(n, u) * c.rate / row.InputTPM
	shown := math.Round(raw*100) / 100
	c.Raw, c.Source = &shown, row.Source
	c.raw = raw
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

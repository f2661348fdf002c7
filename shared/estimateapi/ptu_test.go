package estimateapi_test

import (
	"math"
	"strings"
	"testing"

	"aoai-bridge/shared/catalog"
)

// PTUs have sums for the hour and the month, and the rate of calls from which they are cheaper than tokens, or the
// reason why not.
func TestProvisioned(t *testing.T) {
	const priced = `{"endpoint":"https://r.openai.azure.com","api_key":"k","deployments":[{"model":"gpt-4o"}],
		"models":{"plain":{"encoding":"o200k_base","ptu":{"input_tpm":2500,"output_ratio":4,"global_min":15,"global_increment":5,"regional_min":50,"regional_increment":50}}},
		"prices":{"gpt-4o":{"GlobalProvisionedManaged":{"ptu_hour":0.25},"DataZoneProvisionedManaged":{"ptu_hour":0.275},"ProvisionedManaged":{"ptu_hour":2}},
			"gpt-4o-mini":{"GlobalProvisionedManaged":{"ptu_hour":1}},
			"plain":{"GlobalProvisionedManaged":{"ptu_hour":1}}}}`
	words := func(n int) string { return strings.Repeat("hello ", n) }
	for _, tt := range []struct {
		name, secret, model, members string
		row                          int
		ptus                         int
		month, tokens, even          string // "" is null
		price, why                   string // parts of the reasons
	}{
		// 1000 tokens in and 100 out are 1400 input tokens by the ratio, and 2500 a minute fill a PTU. A call costs
		// 0.0025 + 0.001 USD, and a month has 43800 minutes: 15 PTUs for 182.5 USD each are 17.857143 calls a minute.
		{"a rate above the break-even", priced, "gpt-4o", `"output_tokens":100,"calls_per_minute":100`, 0, 60, "10950", "15330", "17.857143", "", ""},
		{"a rate below it", priced, "gpt-4o", `"output_tokens":100,"calls_per_minute":10`, 0, 15, "2737.5", "1533", "17.857143", "", ""},
		{"another type", priced, "gpt-4o", `"output_tokens":100,"calls_per_minute":10`, 1, 15, "3011.25", "1686.3", "17.857143", "", ""},
		{"a type without a price by the token", priced, "gpt-4o", `"output_tokens":100,"calls_per_minute":10`, 2, 50, "73000", "", "", "", "by the token"},
		{"in full use dearer than tokens", priced, "gpt-4o-mini", `"output_tokens":100,"calls_per_minute":10`, 0, 15, "10950", "91.98", "", "", "full use"},
		{"no price of a PTU", secret, "gpt-4o", `"output_tokens":100,"calls_per_minute":10`, 0, 15, "", "1533", "", "ptu_hour", "PTU"},
		{"no price by the token", priced, "plain", `"output_tokens":100,"calls_per_minute":10`, 0, 15, "10950", "", "", "", "by the token"},
		{"no PTUs of the model", secret, "gpt-4-turbo", `"output_tokens":100,"calls_per_minute":10`, 0, 0, "", "6263.4", "", "ptu_hour", "PTU"},
		{"more than a deployment has", priced, "gpt-4o", `"output_tokens":100,"calls_per_minute":1000000`, 0, 0, "", "153300000", "17.857143", "at most", ""},
		{"the largest rate", priced, "gpt-4o", `"output_tokens":100,"calls_per_minute":1e15`, 0, 0, "", "*", "17.857143", "at most", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := report(t, open(t, tt.secret), `{"model":"`+tt.model+`","messages":[{"role":"user","content":"`+words(992)+`"}],"estimate":{`+tt.members+`}}`)
			if r.InputTokens != 1000 {
				t.Fatalf("the input has %d tokens, want 1000", r.InputTokens)
			}
			c := r.Provisioned[tt.row]
			if c.PTUs == nil && tt.ptus != 0 || c.PTUs != nil && *c.PTUs != tt.ptus {
				t.Errorf("got %s PTUs (%s), want %d", show(c.PTUs), c.Reason, tt.ptus)
			}
			check := func(what string, got *float64, want string) {
				if want != "*" && strings.ReplaceAll(show(got), "null", "") != want {
					t.Errorf("%s is %s, want %q", what, show(got), want)
				}
			}
			check("the month", c.USDPerMo, tt.month)
			check("the month by the token", c.TokensUSDPerMo, tt.tokens)
			check("the break-even", c.BreakEven, tt.even)
			if (c.USDPerMo == nil) != (c.PriceReason != "") || !strings.Contains(c.PriceReason, tt.price) {
				t.Errorf("the reason about the price is %q", c.PriceReason)
			}
			if (c.BreakEven == nil) != (c.BreakEvenReason != "") || !strings.Contains(c.BreakEvenReason, tt.why) {
				t.Errorf("the reason about the break-even is %q", c.BreakEvenReason)
			}
			if c.USDPerHr != nil && math.Abs(*c.USDPerHr*730-*c.USDPerMo) > 1e-6 {
				t.Errorf("%g an hour are not %g a month", *c.USDPerHr, *c.USDPerMo)
			}
		})
	}
	r := report(t, open(t, priced), `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}],"estimate":{"calls_per_minute":1}}`)
	if c := r.Provisioned[0]; c.Type != catalog.GlobalProvisionedManaged || !strings.Contains(c.Note, "output") {
		t.Errorf("got %+v, want a note that output is not in it", c)
	}
}

package decimal

import (
	"math"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text string
		want float64
		ok   bool
	}{
		{"250", 250, true}, {"0.5", 0.5, true}, {".5", 0.5, true}, {"1e-6", 1e-6, true}, {"1E3", 1000, true}, {"-1", -1, true}, {"+1", 1, true}, {"1e15", 1e15, true},
		{"", 0, false}, {"much", 0, false}, {"Inf", 0, false}, {"+Inf", 0, false}, {"infinity", 0, false}, {"NaN", 0, false}, {"nan", 0, false},
		{"1e400", 0, false}, {"1e308", 1e308, true}, {"-1e400", 0, false}, {"0x10", 0, false}, {"0x1p4", 0, false}, {"1_000", 0, false}, {"0x_1p4", 0, false},
		{"1e-400", 0, true}, {"1,000", 0, false}, {"1 000", 0, false}, {" 1", 0, false}, {"e", 0, false}, {"١", 0, false}, {"1e1e1", 0, false},
	} {
		got, err := Parse(tt.text)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: got %g, %v", tt.text, got, err)
		}
	}
}

func TestInRange(t *testing.T) {
	for n, want := range map[float64]bool{0: true, Most: true, -Most: true, 2 * Most: false, math.Inf(1): false, math.Inf(-1): false} {
		if InRange(n) != want {
			t.Errorf("%g: got %t", n, !want)
		}
	}
	if InRange(math.NaN()) {
		t.Error("NaN is in range")
	}
}

package lambdahttp_test

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"aoai-bridge/infra/local/lambda"
)

// TestFit asks bootstraps of several sizes for the processors and the bytes that Go allows itself.
func TestFit(t *testing.T) {
	t.Parallel()
	many := min(3, runtime.NumCPU())
	tests := []struct {
		name       string
		megabytes  int
		env        map[string]string
		processors int
		limit      int64
	}{
		{"the smallest", 128, nil, 1, 107374182},
		{"as the stack sets it", 256, nil, 1, 214748364},
		{"one processor", 1769, nil, 1, 1483944755},
		{"several", 4096, nil, many, 3435973836},
		{"a limit in the environment", 256, map[string]string{"GOMEMLIMIT": "100MiB"}, 1, 100 << 20},
		{"none, in the environment", 256, map[string]string{"GOMEMLIMIT": "off"}, 1, math.MaxInt64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := start(t, lambda.Function{MemoryMB: tt.megabytes, Env: tt.env})
			got, err := f.open(t, get(t, "/limits")).read()
			if want := fmt.Sprint(tt.processors, tt.limit); err != nil || got != want {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		})
	}
}

package workflows_test

import (
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
)

func TestReview(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, review, fault, status, output, failure string }{
		{"a review", "It is good.", "", "SUCCEEDED", `"vector":[`, ""},
		{"throttled", "It is good.", "429", "SUCCEEDED", `"vector":[`, ""},
		{"out of order", "It is good.", "503", "SUCCEEDED", `"vector":[`, ""},
		{"what the filter refuses", "trigger-hate", "", "SUCCEEDED", `"outcome":"filtered"`, ""},
		{"what is no text", "", "400", "FAILED", "", "UnusableReview"},
		{"our own key refused", "It is good.", "401", "FAILED", "", "Unauthorized"},
	}
	w := newWorld(t, map[string]string{"MaxRetries": "0"})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.fault != "" {
				if err := w.stack.Emulator.AddFault(azureopenai.FaultRule{Fault: tt.fault, Path: "/chat/completions"}); err != nil {
					t.Fatal(err)
				}
			}
			end := w.execute("ReviewExample", `{"review":"`+tt.review+`"}`)
			if end.Status != tt.status || !strings.Contains(end.Output, tt.output) || end.Error != tt.failure {
				t.Errorf("got %s %.200s %s %s", end.Status, end.Output, end.Error, end.Cause)
			}
		})
	}
}

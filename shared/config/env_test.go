package config_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"aoai-bridge/shared/config"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestFromEnvironment(t *testing.T) {
	least := map[string]string{"AZURE_SECRET_ID": "a", "CALLERS_SECRET_ID": "c"}
	standard := config.Env{
		Stack: "aoai-bridge", AzureSecretID: "a", CallersSecretID: "c", ConnectTimeout: 5 * time.Second, FirstByteTimeout: 290 * time.Second,
		IdleTimeout: 5 * time.Minute, MaxRetries: 2, RetryAfterCap: 2 * time.Second, LogLevel: slog.LevelInfo,
	}
	all := map[string]string{
		"STACK_NAME": "aoai-two", "AZURE_SECRET_ID": "a", "CALLERS_SECRET_ID": "c", "CONNECT_TIMEOUT": "1s", "FIRST_BYTE_TIMEOUT": "2m", "IDLE_TIMEOUT": "30s",
		"MAX_RETRIES": "0", "RETRY_AFTER_CAP": "1500ms", "LOG_LEVEL": "debug", "CORS_ORIGINS": "https://a.example, https://b.example",
	}
	tests := []struct {
		name   string
		values map[string]string
		want   config.Env
	}{
		{"defaults", least, standard},
		{"all set", all, config.Env{Stack: "aoai-two", AzureSecretID: "a", CallersSecretID: "c", ConnectTimeout: time.Second, FirstByteTimeout: 2 * time.Minute,
			IdleTimeout: 30 * time.Second, MaxRetries: 0, RetryAfterCap: 1500 * time.Millisecond, LogLevel: slog.LevelDebug, CORSOrigins: "https://a.example,https://b.example"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := config.FromEnvironment(environment(tt.values)); err != nil || got != tt.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

func TestCostCeiling(t *testing.T) {
	for value, want := range map[string]float64{"": 0, "0": 0, "12.5": 12.5, "1e-6": 1e-6} {
		if b, err := config.BatchFromEnvironment(environment(map[string]string{"BATCH_BUCKET": "b", "BATCH_COST_CEILING": value})); err != nil || b.CostCeiling != want {
			t.Errorf("%q: got %g, %v", value, b.CostCeiling, err)
		}
	}
	for _, value := range []string{"-1", "Inf", "NaN", "1e400", "1e300", "0x1p4", "much"} {
		if _, err := config.BatchFromEnvironment(environment(map[string]string{"BATCH_BUCKET": "b", "BATCH_COST_CEILING": value})); err == nil || !strings.Contains(err.Error(), "BATCH_COST_CEILING") {
			t.Errorf("%q: got %v", value, err)
		}
	}
}

func TestFromEnvironmentNamesEveryFault(t *testing.T) {
	_, err := config.FromEnvironment(environment(map[string]string{
		"CONNECT_TIMEOUT": "5", "FIRST_BYTE_TIMEOUT": "0s", "IDLE_TIMEOUT": "-1s", "MAX_RETRIES": "-1", "RETRY_AFTER_CAP": "soon", "LOG_LEVEL": "loud", "CORS_ORIGINS": "https://a.example/",
	}))
	if err == nil {
		t.Fatal("it was accepted")
	}
	for _, want := range []string{
		`AZURE_SECRET_ID is "", want for example aoai-bridge/azure`,
		`CALLERS_SECRET_ID is "", want for example aoai-bridge/callers`,
		`CONNECT_TIMEOUT is "5", want for example 5s`,
		`FIRST_BYTE_TIMEOUT is "0s", want for example 4m50s`,
		`IDLE_TIMEOUT is "-1s", want for example 5m0s`,
		`MAX_RETRIES is "-1", want for example 2`,
		`RETRY_AFTER_CAP is "soon", want for example 2s`,
		`LOG_LEVEL is "loud", want for example debug, info, warn or error`,
		`CORS_ORIGINS is "https://a.example/", want for example https://app.example.com,`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

package config_test

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	local "aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/shared/config"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestFromEnvironment(t *testing.T) {
	least := map[string]string{"AZURE_SECRET_ID": "a", "CALLERS_SECRET_ID": "c"}
	standard := config.Env{
		AzureSecretID: "a", CallersSecretID: "c", ConnectTimeout: 5 * time.Second, FirstByteTimeout: 290 * time.Second,
		IdleTimeout: 5 * time.Minute, MaxRetries: 2, RetryAfterCap: 10 * time.Second, LogLevel: slog.LevelInfo,
	}
	all := map[string]string{
		"AZURE_SECRET_ID": "a", "CALLERS_SECRET_ID": "c", "CONNECT_TIMEOUT": "1s", "FIRST_BYTE_TIMEOUT": "2m", "IDLE_TIMEOUT": "30s",
		"MAX_RETRIES": "0", "RETRY_AFTER_CAP": "1500ms", "LOG_LEVEL": "debug",
	}
	tests := []struct {
		name   string
		values map[string]string
		want   config.Env
	}{
		{"defaults", least, standard},
		{"all set", all, config.Env{AzureSecretID: "a", CallersSecretID: "c", ConnectTimeout: time.Second, FirstByteTimeout: 2 * time.Minute,
			IdleTimeout: 30 * time.Second, MaxRetries: 0, RetryAfterCap: 1500 * time.Millisecond, LogLevel: slog.LevelDebug}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := config.FromEnvironment(environment(tt.values)); err != nil || got != tt.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

func TestFromEnvironmentNamesEveryFault(t *testing.T) {
	_, err := config.FromEnvironment(environment(map[string]string{
		"CONNECT_TIMEOUT": "5", "FIRST_BYTE_TIMEOUT": "0s", "IDLE_TIMEOUT": "-1s", "MAX_RETRIES": "-1", "RETRY_AFTER_CAP": "soon", "LOG_LEVEL": "loud",
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
		`RETRY_AFTER_CAP is "soon", want for example 10s`,
		`LOG_LEVEL is "loud", want for example debug, info, warn or error`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

func TestAWSFromTheEnvironment(t *testing.T) {
	store := local.New()
	store.Put("aoai-bridge/azure", "value")
	server := httptest.NewServer(store)
	defer server.Close()
	for name, value := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL": server.URL,
	} {
		t.Setenv(name, value)
	}
	cfg, err := config.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || cfg.Region != "eu-west-1" || credentials.AccessKeyID != "id" || credentials.SecretAccessKey != "secret" || credentials.SessionToken != "token" {
		t.Errorf("got region %s, credentials %v, %v", cfg.Region, credentials, err)
	}
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("aoai-bridge/azure")})
	if err != nil || *out.SecretString != "value" {
		t.Errorf("through AWS_ENDPOINT_URL: %v, %v", out, err)
	}
}

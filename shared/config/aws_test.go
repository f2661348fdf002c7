package config_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"aoai-bridge/shared/config"
)

func TestAWSCredentials(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("from-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var authorization string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		_, _ = w.Write([]byte(`{"AccessKeyId":"of-the-endpoint","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`))
	}))
	defer server.Close()
	tests := []struct {
		name                      string
		env                       map[string]string
		wantID, wantAuth, wantErr string
	}{
		{name: "keys", env: map[string]string{"AWS_REGION": "r", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}, wantID: "a"},
		{name: "endpoint, token", env: map[string]string{"AWS_REGION": "r", "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "x"}, wantID: "of-the-endpoint", wantAuth: "x"},
		{name: "endpoint, token in a file", env: map[string]string{"AWS_REGION": "r", "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token}, wantID: "of-the-endpoint", wantAuth: "from-a-file"},
		{name: "none", env: map[string]string{"AWS_REGION": "r", "AWS_ACCESS_KEY_ID": "half-of-it"}, wantErr: "AWS_CONTAINER_CREDENTIALS_FULL_URI"},
		{name: "no region", wantErr: "AWS_REGION"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			authorization = ""
			cfg, err := config.AWS(func(name string) string { return test.env[name] })
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Errorf("got %v, want %s in it", err, test.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := cfg.Credentials.Retrieve(t.Context())
			if err != nil || got.AccessKeyID != test.wantID || authorization != test.wantAuth {
				t.Errorf("got %s by %q, %v", got.AccessKeyID, authorization, err)
			}
		})
	}
}

// TestAWSEndpoint asks the SDK which host it would call.
func TestAWSEndpoint(t *testing.T) {
	tests := map[string]struct {
		env  map[string]string
		want string
	}{
		"standard": {want: "https://secretsmanager.eu-west-1.amazonaws.com"},
		"URL":      {env: map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:8081"}, want: "http://127.0.0.1:8081"},
		"FIPS":     {env: map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, want: "https://secretsmanager-fips.eu-west-1.amazonaws.com"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
			for k, v := range test.env {
				env[k] = v
			}
			cfg, err := config.AWS(func(name string) string { return env[name] })
			if err != nil {
				t.Fatal(err)
			}
			options := secretsmanager.NewFromConfig(cfg).Options()
			endpoint, err := options.EndpointResolverV2.ResolveEndpoint(t.Context(), secretsmanager.EndpointParameters{
				Region: &cfg.Region, Endpoint: options.BaseEndpoint,
				UseFIPS: aws.Bool(options.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
			})
			if err != nil || endpoint.URI.String() != test.want {
				t.Errorf("got %s, %v, want %s", endpoint.URI.String(), err, test.want)
			}
		})
	}
}

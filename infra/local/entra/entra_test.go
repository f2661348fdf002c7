package entra_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"aoai-bridge/infra/local/entra"
	localsts "aoai-bridge/infra/local/sts"
)

const (
	tenant   = "11111111-1111-4111-8111-111111111111"
	client   = "22222222-2222-4222-8222-222222222222"
	audience = "api://AzureADTokenExchange"
)

var scope = policy.TokenRequestOptions{Scopes: []string{"https://cognitiveservices.azure.com/.default"}}

// A directory is a running server with what a test needs to reach it.
type directory struct {
	*entra.Server
	url  string
	http *http.Client
}

func open(t *testing.T, options entra.Options) directory {
	t.Helper()
	options.TenantID, options.ClientID = tenant, client
	s, err := entra.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(s)
	server.TLS = s.TLSConfig()
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.CertificatePEM()) {
		t.Fatal("CertificatePEM is no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return directory{s, server.URL, &http.Client{Transport: transport}}
}

// clientOptions make azidentity come to d, and never try twice.
func (d directory) clientOptions() azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: d.url},
		Transport: d.http,
		Retry:     policy.RetryOptions{MaxRetries: -1},
	}
}

func (d directory) secretCredential(t *testing.T, secret string) *azidentity.ClientSecretCredential {
	t.Helper()
	credential, err := azidentity.NewClientSecretCredential(tenant, client, secret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: d.clientOptions(), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	return credential
}

func (d directory) assertionCredential(t *testing.T, assert func(context.Context) (string, error)) *azidentity.ClientAssertionCredential {
	t.Helper()
	credential, err := azidentity.NewClientAssertionCredential(tenant, client, assert,
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: d.clientOptions(), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	return credential
}

func TestClientSecret(t *testing.T) {
	d := open(t, entra.Options{ClientSecret: "s3cret"})
	credential := d.secretCredential(t, "s3cret")
	for range 3 {
		token, err := credential.GetToken(t.Context(), scope)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Verify(token.Token); err != nil {
			t.Error(err)
		}
		if left := time.Until(token.ExpiresOn); left < 59*time.Minute || left > time.Hour {
			t.Errorf("token expires in %v, want an hour", left)
		}
	}
	if got := d.Calls("token"); got != 1 {
		t.Errorf("%d token requests, want 1: azidentity did not find the token fit for its cache", got)
	}
}

func TestShortLifetimeIsRefreshed(t *testing.T) {
	d := open(t, entra.Options{ClientSecret: "s3cret"})
	d.SetTokenLifetime(time.Minute)
	credential := d.secretCredential(t, "s3cret")
	for range 2 {
		if _, err := credential.GetToken(t.Context(), scope); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.Calls("token"); got != 2 {
		t.Errorf("%d token requests, want 2", got)
	}
}

// federation starts an STS and returns a function that asks it for an assertion.
func federation(t *testing.T) (*localsts.Server, func(context.Context) (string, error)) {
	t.Helper()
	issuer := localsts.New()
	server := httptest.NewServer(issuer)
	t.Cleanup(server.Close)
	c := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		})})
	return issuer, func(ctx context.Context) (string, error) {
		out, err := c.GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{Audience: []string{audience}, SigningAlgorithm: aws.String("RS256")})
		if err != nil {
			return "", err
		}
		return *out.WebIdentityToken, nil
	}
}

func TestClientAssertion(t *testing.T) {
	issuer, assert := federation(t)
	trusted := entra.Federation{Issuer: issuer.Issuer(), Subject: issuer.Subject(), Audience: audience, PublicKey: issuer.PublicKey}
	other := localsts.New()
	tests := []struct {
		name string
		edit func(*entra.Federation)
		now  func() time.Time
		none bool
		want string // "" for a token
	}{
		{name: "trusted", edit: func(*entra.Federation) {}},
		{name: "no credential", none: true, want: "AADSTS70021: No matching federated identity record found for presented assertion. " +
			"Assertion Issuer: '" + issuer.Issuer() + "'. Assertion Subject: 'arn:aws:iam::000000000000:role/local'. Assertion Audience: '" + audience + "'."},
		{name: "other issuer", edit: func(f *entra.Federation) { f.Issuer = "https://x" }, want: "AADSTS700211:"},
		{name: "other audience", edit: func(f *entra.Federation) { f.Audience = "x" }, want: "AADSTS700212:"},
		{name: "other subject", edit: func(f *entra.Federation) { f.Subject = "x" }, want: "AADSTS700213:"},
		{name: "other key", edit: func(f *entra.Federation) { f.PublicKey = other.PublicKey }, want: "AADSTS700027:"},
		{name: "unknown key", edit: func(f *entra.Federation) { f.PublicKey = func(string) crypto.PublicKey { return nil } }, want: "AADSTS700027:"},
		{name: "expired", edit: func(*entra.Federation) {}, now: func() time.Time { return time.Now().Add(time.Hour) }, want: "AADSTS700024:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			options := entra.Options{Now: tt.now}
			if !tt.none {
				f := trusted
				tt.edit(&f)
				options.Federation = &f
			}
			d := open(t, options)
			token, err := d.assertionCredential(t, assert).GetToken(t.Context(), scope)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if err := d.Verify(token.Token); err != nil {
					t.Error(err)
				}
				return
			}
			var failed *azidentity.AuthenticationFailedError
			if !errors.As(err, &failed) || !strings.Contains(failed.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	good := url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {"s3cret"},
		"scope": {"https://cognitiveservices.azure.com/.default openid offline_access profile"}}
	tests := []struct {
		name, tenant, field, value string
		fail                       int
		status                     int
		oauth, description         string
	}{
		{"wrong secret", tenant, "client_secret", "x", 0, 401, "invalid_client", "AADSTS7000215: Invalid client secret provided."},
		{"no credential", tenant, "client_secret", "", 0, 401, "invalid_client", "AADSTS7000218:"},
		{"other application", tenant, "client_id", "x", 0, 400, "unauthorized_client", "AADSTS700016: Application with identifier 'x'"},
		{"other tenant", "x", "", "", 0, 400, "invalid_tenant", "AADSTS90002: Tenant 'x' not found."},
		{"other grant", tenant, "grant_type", "password", 0, 400, "unsupported_grant_type", "AADSTS70003:"},
		{"no grant", tenant, "grant_type", "", 0, 400, "invalid_request", "AADSTS900144:"},
		{"scope of one permission", tenant, "scope", "https://a/User.Read", 0, 400, "invalid_scope", "AADSTS1002012:"},
		{"fault", tenant, "", "", 1, 503, "temporarily_unavailable", "AADSTS90033:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, entra.Options{ClientSecret: "s3cret"})
			d.FailNext(tt.fail)
			form := url.Values{}
			for name, values := range good {
				form[name] = values
			}
			if tt.field != "" {
				form.Set(tt.field, tt.value)
			}
			response, err := d.http.PostForm(d.url+"/"+tt.tenant+"/oauth2/v2.0/token", form)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			var body struct {
				Error       string `json:"error"`
				Description string `json:"error_description"`
				Codes       []int  `json:"error_codes"`
			}
			if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != tt.status || body.Error != tt.oauth || !strings.HasPrefix(body.Description, tt.description) || len(body.Codes) != 1 {
				t.Errorf("got %d %+v, want %d %s %s", response.StatusCode, body, tt.status, tt.oauth, tt.description)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	var ahead atomic.Int64
	d := open(t, entra.Options{ClientSecret: "s3cret", Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	stranger := open(t, entra.Options{ClientSecret: "s3cret"})
	token := func(d directory, scope string) string {
		token, err := d.secretCredential(t, "s3cret").GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}})
		if err != nil {
			t.Fatal(err)
		}
		return token.Token
	}
	good := token(d, scope.Scopes[0])
	tests := []struct {
		name, token string
		ahead       time.Duration
		ok          bool
	}{
		{"good", good, 0, true},
		{"for Azure AI", token(d, "https://ai.azure.com/.default"), 0, true},
		{"expired", good, 2 * time.Hour, false},
		{"another audience", token(d, "https://graph.microsoft.com/.default"), 0, false},
		{"another directory's", token(stranger, scope.Scopes[0]), 0, false},
		{"no token", "abc", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ahead.Store(int64(tt.ahead))
			if err := d.Verify(tt.token); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSecretRotation(t *testing.T) {
	d := open(t, entra.Options{ClientSecret: "old"})
	d.SetClientSecret("new")
	if _, err := d.secretCredential(t, "old").GetToken(t.Context(), scope); err == nil {
		t.Error("the old secret still opens")
	}
	if _, err := d.secretCredential(t, "new").GetToken(t.Context(), scope); err != nil {
		t.Error(err)
	}
}

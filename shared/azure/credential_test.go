package azure_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/entra"
	"aoai-bridge/infra/local/sts"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/openaierr"
)

const (
	tenant       = "11111111-1111-4111-8111-111111111111"
	application  = "22222222-2222-4222-8222-222222222222"
	clientSecret = "s3cr3t-of-the-application"
)

// A directory is an Entra endpoint over TLS and the AWS account whose identity its application trusts.
type directory struct {
	*entra.Server
	account *sts.Server
	url     string
}

var directories struct {
	secret, short, refresh, aging, federated directory
}

// age is how far the clock of the directory aging is ahead.
var age atomic.Int64 // a time.Duration

func aged() time.Time { return time.Now().Add(time.Duration(age.Load())) }

// TestMain starts the Entra endpoints before anything is verified: crypto/x509 reads SSL_CERT_FILE
// once, and a bootstrap comes to trust them by that variable, too.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "azure")
	if err != nil {
		panic(err)
	}
	trust := filepath.Join(dir, "entra.pem")
	d := &directories
	d.secret = newDirectory(trust, entra.Options{ClientSecret: clientSecret})
	d.short = newDirectory(trust, entra.Options{ClientSecret: clientSecret, TokenLifetime: 4 * time.Minute})
	d.refresh = newDirectory(trust, entra.Options{ClientSecret: clientSecret, TokenLifetime: 4 * time.Minute, RefreshIn: time.Minute})
	d.aging = newDirectory(trust, entra.Options{ClientSecret: clientSecret, TokenLifetime: 4 * time.Minute, Now: aged})
	account := sts.New()
	d.federated = newDirectory(trust, entra.Options{Federation: &entra.Federation{
		Issuer: account.Issuer(), Subject: account.Subject(), Audience: "api://AzureADTokenExchange", PublicKey: account.PublicKey,
	}})
	d.federated.account = account
	os.Setenv("SSL_CERT_FILE", trust)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func newDirectory(trust string, o entra.Options) directory {
	o.TenantID, o.ClientID = tenant, application
	s, err := entra.New(o)
	if err != nil {
		panic(err)
	}
	server := httptest.NewUnstartedServer(s)
	server.TLS = s.TLSConfig()
	server.StartTLS()
	certificates, _ := os.ReadFile(trust) // those of the others
	if err := os.WriteFile(trust, append(certificates, s.CertificatePEM()...), 0o600); err != nil {
		panic(err)
	}
	return directory{s, nil, server.URL}
}

// open starts an emulator that knows the directory's tokens only, and a Client that signs in there.
func (d directory) open(t *testing.T, members string, edit ...func(*azure.Options)) (*azureopenai.Server, *stage) {
	t.Helper()
	e, url := emulator(t, azureopenai.Options{APIKeys: []string{}, VerifyBearer: d.Verify})
	secret := fmt.Sprintf(`{"endpoint":%q,"entra":{"tenant_id":%q,"client_id":%q,"authority_host":%q%s}}`, url, tenant, application, d.url, members)
	return e, open(t, secret, func(o *azure.Options) {
		for _, e := range edit {
			e(o)
		}
		if d.account == nil {
			return
		}
		server := httptest.NewServer(d.account)
		t.Cleanup(server.Close)
		o.Identity = awssts.New(awssts.Options{
			Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		})
	})
}

// signed is how often the AWS account was asked for a token.
func (d directory) signed() int {
	if d.account == nil {
		return 0
	}
	return d.account.Calls("GetWebIdentityToken")
}

// Tokens that expire while calls are under way cost none of them. Each call that ends moves the clock on, so that a token
// is good for about 80 of them.
func TestTokensExpireUnderLoad(t *testing.T) {
	d := directories.aging
	_, s := d.open(t, withSecret, func(o *azure.Options) { o.Now = aged })
	before := d.Calls("token")
	ended := make(chan error)
	var callers sync.WaitGroup
	const callersAtOnce, each = 8, 50
	for range callersAtOnce {
		callers.Go(func() {
			for range each {
				ended <- s.do(t.Context(), chat("hi"), false).err
			}
		})
	}
	go func() { callers.Wait(); close(ended) }()
	for err := range ended {
		if err != nil {
			t.Error(err)
		}
		age.Add(int64(3 * time.Second)) // 20 minutes in all, five tokens' lives
	}
	if n := d.Calls("token") - before; n < 5 {
		t.Errorf("%d tokens, want one for each four minutes at least", n)
	}
}

const withSecret = `,"client_secret":"` + clientSecret + `"`

func TestEntra(t *testing.T) {
	tests := []struct {
		name    string
		d       directory
		members string
	}{
		{"client secret", directories.secret, withSecret},
		{"no secret at all: AWS STS signs", directories.federated, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := tt.d.open(t, tt.members)
			before, signed := tt.d.Calls("token"), tt.d.signed()
			var calls sync.WaitGroup
			for range 20 {
				calls.Go(func() {
					if r := s.do(t.Context(), chat("hi"), false); r.err != nil {
						t.Error(r.err)
					}
				})
			}
			calls.Wait()
			if n := tt.d.Calls("token") - before; n != 1 {
				t.Errorf("%d tokens for calls at once, want one", n)
			}
			if auth := last(t, e).Auth; auth != "bearer token" {
				t.Errorf("Azure saw %s", auth)
			}
			if n := tt.d.signed() - signed; tt.d.account != nil && n != 1 {
				t.Errorf("STS was asked %d times, want once", n)
			}
		})
	}
}

func TestTokenIsReplacedAheadOfItsEnd(t *testing.T) {
	tests := []struct {
		name string
		d    directory
		due  time.Duration // after the token was issued; its life is four minutes
	}{
		{"half of a short life before", directories.short, 2 * time.Minute},
		{"when Entra says so", directories.refresh, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, s := tt.d.open(t, withSecret)
			const slack = 10 * time.Second // between the test's clock and the one that tokens are stamped with
			for i, step := range []struct {
				advance time.Duration
				tokens  int
			}{{0, 1}, {tt.due - slack, 0}, {2 * slack, 1}} {
				before := tt.d.Calls("token")
				s.advance(step.advance)
				s.do(t.Context(), chat("hi"), false).ok(t)
				if n := tt.d.Calls("token") - before; n != step.tokens {
					t.Errorf("step %d: %d tokens, want %d", i+1, n, step.tokens)
				}
			}
		})
	}
}

func TestNoToken(t *testing.T) {
	wrong := `,"client_secret":"wr0ng-secret"`
	tests := []struct {
		name    string
		d       directory
		members string
		prepare func(bool)
		log     string
	}{
		{"wrong client secret", directories.secret, wrong, func(bool) {}, "AADSTS7000215"},
		{"no federated credential", directories.secret, "", func(bool) {}, "AADSTS70021"},
		{"federation disabled in AWS", directories.federated, "", directories.federated.account.DisableFederation, "OutboundWebIdentityFederationDisabled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := tt.d
			if d.account == nil {
				d.account = directories.federated.account
			}
			tt.prepare(true)
			defer tt.prepare(false)
			e, s := d.open(t, tt.members)
			r := s.do(t.Context(), chat("hi"), false)
			failure := r.refused(t, http.StatusBadGateway, "azure_token_unavailable")
			if failure.Type != openaierr.TypeUpstreamAuth || !strings.Contains(failure.Cause.Error(), tt.log) {
				t.Errorf("got %v", failure)
			}
			for _, hidden := range []string{"wr0ng-secret", clientSecret, "eyJ"} {
				if strings.Contains(failure.Error(), hidden) || strings.Contains(r.Body.String(), d.url) {
					t.Errorf("the caller or the log sees a secret: %s %v", r.Body, failure)
				}
			}
			if n := upstreamRequests(e); n != 0 {
				t.Errorf("Azure was asked %d times without a token", n)
			}
		})
	}
}

func TestRotation(t *testing.T) {
	for _, call := range []*azure.Call{chat("hi"), chatStream("hi"), get("models")} {
		t.Run(fmt.Sprint(call.Path, call.Stream), func(t *testing.T) {
			e, url := emulator(t, azureopenai.Options{})
			s := open(t, single(url, "k"))
			s.do(t.Context(), call, false).ok(t)
			s.store.Put(secretName, single(url, "k2"))
			e.SetAPIKeys("k2")
			upstreamRequests(e)
			r := s.do(t.Context(), call, false)
			r.ok(t)
			if n := upstreamRequests(e); n != 2 || s.store.Calls("GetSecretValue") != 2 || len(s.naps()) > 0 {
				t.Errorf("asked Azure %d times and Secrets Manager %d times, want 2 and 2", n, s.store.Calls("GetSecretValue"))
			}
			// A key that is wrong in both versions: one more read, ten seconds later, and no second try.
			e.SetAPIKeys("k3")
			s.advance(10 * time.Second)
			s.do(t.Context(), call, false).refused(t, http.StatusBadGateway, "401")
			s.do(t.Context(), call, false).refused(t, http.StatusBadGateway, "401")
			if n := upstreamRequests(e); n != 2 || s.store.Calls("GetSecretValue") != 3 {
				t.Errorf("asked Azure %d times and Secrets Manager %d times, want 2 and 3", n, s.store.Calls("GetSecretValue"))
			}
		})
	}
}

// A deployment that was just made is in a newer secret than the one held. Names that are in neither have the secret read
// every ten seconds at most.
func TestNewDeployment(t *testing.T) {
	_, url := emulator(t, azureopenai.Options{})
	listing := func(model string) string {
		return strings.Replace(single(url, "k"), "}", `,"deployments":[{"model":"`+model+`"}]}`, 1)
	}
	s := open(t, listing("gpt-4.1"))
	s.do(t.Context(), post("chat/completions", "gpt-4.1", messages("hi")), false).ok(t)
	s.store.Put(secretName, listing("gpt-4o"))
	s.do(t.Context(), chat("hi"), false).ok(t)
	for range 5 {
		s.do(t.Context(), post("chat/completions", "gpt-9", messages("hi")), false).refused(t, http.StatusNotFound, "model_not_found")
	}
	if n := s.store.Calls("GetSecretValue"); n != 2 {
		t.Errorf("Secrets Manager was asked %d times, want 2", n)
	}
	s.advance(10 * time.Second)
	s.do(t.Context(), post("chat/completions", "gpt-9", messages("hi")), false).refused(t, http.StatusNotFound, "model_not_found")
	if n := s.store.Calls("GetSecretValue"); n != 3 {
		t.Errorf("Secrets Manager was asked %d times, want 3", n)
	}
}

func TestRotationUnderLoadLosesNoCall(t *testing.T) {
	e, url := emulator(t, azureopenai.Options{DisableRecording: true})
	s := open(t, single(url, "k"))
	const callers, calls = 16, 25
	var all, warm sync.WaitGroup
	warm.Add(callers)
	for range callers {
		all.Go(func() {
			for i := range calls {
				if i == calls/5 {
					warm.Done()
				}
				if r := s.do(t.Context(), chatStream("hi"), false); r.err != nil {
					t.Error(r.err)
				}
			}
		})
	}
	warm.Wait()
	s.store.Put(secretName, single(url, "k2"))
	e.SetAPIKeys("k2")
	all.Wait()
	counts := e.Counts()
	if counts.ByStatus[200] != callers*calls || counts.ByStatus[401] == 0 {
		t.Errorf("answers by status %v, want %d of 200 and some that met the old key", counts.ByStatus, callers*calls)
	}
}

func TestSecretThatCannotBeUsed(t *testing.T) {
	_, url := emulator(t, azureopenai.Options{})
	const body = `{"error":{"message":"The Azure secret of the bridge cannot be read or is not valid: no call can be made. Its owner finds the field at fault in the function's log.","type":"server_error","param":null,"code":"configuration_error"}}`
	tests := []struct{ name, secret, want string }{
		{"missing", "", "does not exist: create it"},
		{"no JSON", "k3y-value", "want for example"},
		{"no key", `{"endpoint":"` + url + `"}`, "api_key is missing"},
		{"unknown type", `{"endpoint":"` + url + `","api_key":"k3y-value","deployments":[{"model":"m","type":"Global"}]}`, `type "Global" is not a deployment type`},
		{"no tenant that Entra could have", `{"endpoint":"` + url + `","entra":{"tenant_id":"a b","client_id":"c","client_secret":"k3y-value"}}`, `entra.tenant_id is neither an id nor a domain`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, tt.secret)
			err := s.Check(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "k3y-value") {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			r := s.do(t.Context(), chat("hi"), false)
			r.refused(t, http.StatusInternalServerError, "configuration_error")
			if r.Header().Get("X-Should-Retry") != "false" || r.Body.String() != body {
				t.Errorf("got %v %s", r.Header(), r.Body)
			}
			s.store.Put(secretName, single(url, "k"))
			s.advance(time.Second)
			s.do(t.Context(), chat("hi"), false).ok(t) // without a restart
		})
	}
}

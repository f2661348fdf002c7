// Package arm is Azure Resource Manager in memory, as far as it takes to make an Azure OpenAI resource: groups, accounts
// and their keys, deployments with asynchronous operations, models, quota, accounts that were deleted, and identities with
// federated credentials and roles. What an account serves is left to a DataPlane. Anyone with a token may do everything: it
// does not judge by roles, policies and locks, and knows no prices.
//
// Each request is held against requests.json, which has the operations and the members of their bodies as the public
// OpenAPI states them: what that does not know is refused.
//
// Refusals have Azure's words where a public capture of them is known. "Unverified" marks those that are ours.
package arm

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"aoai-bridge/infra/local/certificate"
)

// Options describe the subscription.
type Options struct {
	TenantID, SubscriptionID string                   // UUIDs; there are defaults
	Verify                   func(token string) error // judges access tokens; nil takes any
	Regions                  []Region                 // nil for DefaultRegions
	DataPlane                DataPlane                // nil: accounts have an address that nobody serves
	Directory                Directory                // nil: identities are trusted by nobody
	// Looks is how often an operation that is under way is seen so before it ends: a client's look at the operation, or
	// at its resource, is one. 1 when zero, none when negative.
	Looks int
}

// A DataPlane serves what accounts offer.
type DataPlane interface {
	// Serve is called when an account is made or changed, and returns its endpoint.
	Serve(Account) (endpoint string, err error)
	// Remove is called when an account is deleted.
	Remove(name string)
}

// Account is what a data plane has to know of an account.
type Account struct {
	Name        string
	Region      string   // East US 2
	Keys        []string // none where key access is disabled
	Deployments []Deployment
}

// Deployment is one of an account's deployments that is ready for use.
type Deployment struct {
	Name, Model, Version, Type string
	Capacity                   int
}

// A Server is the Resource Manager of one subscription. It is an http.Handler to be served with TLSConfig, and safe for
// concurrent use.
type Server struct {
	certificate tls.Certificate
	options     Options

	mu           sync.Mutex
	groups       map[string]*group   // by lower-case name
	accounts     map[string]*account // by lower-case id
	deleted      map[string]*account
	unregistered map[string]int       // providers that are not registered: looks until one is, -1 before that was asked for
	identities   map[string]*identity // by lower-case id
	// assignments are by lower-case scope and name.
	assignments map[string]*roleAssignment
	taken       map[string]bool // names of other subscriptions' accounts
	operations  map[string]*operation
	sequence    int
	rules       []Rule
	requests    []string // "PUT Accounts_create my-aoai"
}

// New returns the Resource Manager of an empty subscription, with a certificate of its own.
func New(o Options) (*Server, error) {
	cert, err := certificate.New("local Azure Resource Manager")
	if err != nil {
		return nil, err
	}
	o.TenantID = cmp.Or(o.TenantID, "11111111-1111-4111-8111-111111111111")
	o.SubscriptionID = cmp.Or(o.SubscriptionID, "33333333-3333-4333-8333-333333333333")
	if o.Regions == nil {
		o.Regions = DefaultRegions()
	}
	if o.Looks == 0 {
		o.Looks = 1
	}
	return &Server{
		certificate: cert, options: o,
		groups: make(map[string]*group), accounts: make(map[string]*account), deleted: make(map[string]*account),
		unregistered: make(map[string]int), identities: make(map[string]*identity), assignments: make(map[string]*roleAssignment),
		taken: make(map[string]bool), operations: make(map[string]*operation),
	}, nil
}

// TLSConfig is what the server is to be served with.
func (s *Server) TLSConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{s.certificate}}
}

// CertificatePEM is the certificate that a client has to trust.
func (s *Server) CertificatePEM() []byte { return certificate.PEM(s.certificate) }

// call is one request.
type call struct {
	*http.Request
	params map[string]string // of the path
	body   map[string]any    // nil where there is none
}

// answer is what a handler returns; a nil body is none.
type answer struct {
	status int
	body   any
	header map[string]string
}

func ok(body any) (answer, error) { return answer{status: http.StatusOK, body: body}, nil }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.answer(r)
	var why *Refusal
	switch {
	case errors.As(err, &why):
		a = answer{why.Status, map[string]any{"error": why}, nil}
	case err != nil:
		a = answer{http.StatusInternalServerError, map[string]any{"error": &Refusal{Code: "InternalServerError", Message: err.Error()}}, nil}
	}
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body) // only the connection can fail here
}

func (s *Server) answer(r *http.Request) (answer, error) {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || token == "" {
		return answer{}, errNoToken
	}
	if verify := s.options.Verify; verify != nil {
		if err := verify(token); err != nil {
			return answer{}, badToken(err)
		}
	}
	if id, found := strings.CutPrefix(r.URL.Path, s.operationsPath()); found {
		return s.lookAtOperation(r, id)
	}
	o, params, err := match(r)
	if err != nil {
		return answer{}, err
	}
	if id := params["subscriptionId"]; id != "" && id != s.options.SubscriptionID {
		return answer{}, subscriptionNotFound(id)
	}
	if err := s.checkRegistered(r.URL.Path); err != nil {
		return answer{}, err
	}
	c := &call{Request: r, params: params}
	if c.body, err = readBody(r, o); err != nil {
		return answer{}, err
	}
	s.requests = append(s.requests, r.Method+" "+o.Operation+" "+lastSegment(r.URL.Path))
	rule, lost := s.pickRule(o.Operation, r.URL.Path)
	if rule != nil && !lost {
		return answer{}, rule
	}
	a, err := handlers[o.Operation](s, c)
	if lost && err == nil {
		return answer{}, rule
	}
	return a, err
}

// handlers are by requests.json's names.
var handlers map[string]func(*Server, *call) (answer, error)

func init() { // not where it is declared: the handlers refer back to it
	handlers = map[string]func(*Server, *call) (answer, error){
		"Subscriptions_list":                          (*Server).listSubscriptions,
		"ResourceGroups_get":                          (*Server).getGroup,
		"ResourceGroups_createOrUpdate":               (*Server).putGroup,
		"ResourceGroups_delete":                       (*Server).deleteGroup,
		"Resources_listByResourceGroup":               (*Server).listResources,
		"Accounts_get":                                (*Server).getAccount,
		"Accounts_list":                               (*Server).listAccounts,
		"Accounts_create":                             (*Server).putAccount,
		"Accounts_delete":                             (*Server).deleteAccount,
		"Accounts_listKeys":                           (*Server).listKeys,
		"Accounts_regenerateKey":                      (*Server).regenerateKey,
		"Accounts_checkDomainAvailability":            (*Server).checkDomainAvailability,
		"Deployments_list":                            (*Server).listDeployments,
		"Deployments_get":                             (*Server).getDeployment,
		"Deployments_createOrUpdate":                  (*Server).putDeployment,
		"Deployments_delete":                          (*Server).deleteDeployment,
		"DeletedAccounts_list":                        (*Server).listDeleted,
		"DeletedAccounts_purge":                       (*Server).purge,
		"TemplateDeployments_createOrUpdate":          (*Server).deployTemplate,
		"Models_list":                                 (*Server).listModels,
		"UserAssignedIdentities_get":                  (*Server).getIdentity,
		"UserAssignedIdentities_createOrUpdate":       (*Server).putIdentity,
		"UserAssignedIdentities_delete":               (*Server).deleteIdentity,
		"FederatedIdentityCredentials_list":           (*Server).listCredentials,
		"FederatedIdentityCredentials_get":            (*Server).getCredential,
		"FederatedIdentityCredentials_createOrUpdate": (*Server).putCredential,
		"RoleAssignments_get":                         (*Server).getAssignment,
		"RoleAssignments_create":                      (*Server).putAssignment,
		"Accounts_update":                             (*Server).patchAccount,
		"Providers_get":                               (*Server).getProvider,
		"Providers_register":                          (*Server).register,
		"Usages_list":                                 (*Server).listUsages,
	}
}

func readBody(r *http.Request, o *requestShape) (map[string]any, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if o.Body == "" {
		return nil, nil
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, invalidContent("The request content was invalid and could not be deserialized: '" + err.Error() + "'.")
	}
	return body, o.check(body)
}

func lastSegment(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// text reads a string below an object, "" if there is none.
func text(v any, path ...string) string {
	s, _ := member(v, path...).(string)
	return s
}

// member reads a value below an object, nil if there is none.
func member(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// number reads a whole number below an object.
func number(v any, path ...string) int {
	n, _ := member(v, path...).(float64)
	return int(n)
}

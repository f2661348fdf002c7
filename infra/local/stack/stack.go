// Package stack is everything that runs when the stack of template.yaml is deployed, on one machine:
// the API Gateway front, the functions' own bootstraps, the AWS services that they use, and Azure
// OpenAI. It puts the parts together and does not know how any of them works.
package stack

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"aoai-bridge/infra/local/apigateway"
	"aoai-bridge/infra/local/arm"
	"aoai-bridge/infra/local/awsendpoint"
	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/certificate"
	"aoai-bridge/infra/local/entra"
	"aoai-bridge/infra/local/eventbridge"
	"aoai-bridge/infra/local/iam"
	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/s3"
	"aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/infra/local/stepfunctions"
	"aoai-bridge/infra/local/sts"
	"aoai-bridge/infra/local/template"
)

// What the local stack lets in.
const (
	CallerKey = "sk-local" // of the API
	AccessKey = "local"    // of AWS: access key id and secret access key
)

// Options say what to run. Addresses have to be loopback ones.
type Options struct {
	Template   string            // path of template.yaml
	Parameters map[string]string // in place of the template's defaults
	Build      string            // folder with <function>/bootstrap
	Addr       string            // of the API; "" picks a free port
	TLS        bool              // the API is served over TLS only, by a certificate of its own
	AWSAddr    string            // of the AWS endpoint; "" picks a free port
	ARMAddr    string            // of Azure Resource Manager; "" picks a free port
	Azure      Azure
	// Data is a folder that keeps objects, secrets and jobs for the next stack; "" keeps nothing. What it has of an earlier
	// stack is there again, and jobs that have not ended go on.
	Data string
	// Concurrency is how many invocations a bootstrap takes at once, as on Lambda Managed Instances;
	// 1 when zero.
	Concurrency int
	// WaitScale multiplies every wait of the workflows, and of the emulator's batches; 1 when zero.
	WaitScale float64
	Observe   func(stepfunctions.Event) // called for each step of each execution; must not block
	Logs      io.Writer                 // what the bootstraps print
}

// Stack is a running stack. Its parts may be used by tests to misbehave and to count.
type Stack struct {
	URL      string // of the API, without a path: http://127.0.0.1:8080
	TrustPEM []byte // the certificate that the API's clients have to trust; nil without TLS
	AWSURL   string
	AzureURL string
	Template *template.Template
	Secrets  *secretsmanager.Store
	STS      *sts.Server
	S3       *s3.Store
	Bus      *eventbridge.Bus
	States   *stepfunctions.Service
	Host     *lambda.Host

	Resumed []string // the jobs of an earlier stack that go on, or why they do not, for people

	// These are nil where a given resource takes their place.
	Emulator *azureopenai.Server
	Entra    *entra.Server
	ARM      *arm.Server

	authority, trust string // Entra's URL, and the file with the certificates of Entra and Resource Manager
	armURL, operator string // Resource Manager's URL, and the secret of who may use it
	data             *data  // nil where nothing is kept
	closing          atomic.Bool
	changes          sync.WaitGroup // of executions, that the bus is told of
	closers          []func() error
	serving          sync.WaitGroup
}

// Start starts the parts. The functions' bootstraps start when they are first called.
func Start(o Options) (_ *Stack, err error) {
	s := &Stack{STS: sts.New()}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.Template, err = template.Read(o.Template, o.Parameters); err != nil {
		return nil, err
	}
	if err := s.openData(o.Data); err != nil {
		return nil, err
	}
	awsListener, err := listen(o.AWSAddr)
	if err != nil {
		return nil, err
	}
	s.onClose(awsListener.Close)
	listener, err := listen(o.Addr)
	if err != nil {
		return nil, err
	}
	s.onClose(listener.Close)
	s.URL, s.AWSURL = "http://"+listener.Addr().String(), "http://"+awsListener.Addr().String()

	if o.WaitScale == 0 {
		o.WaitScale = 1
	}
	o.Azure.Emulator.Pace = o.Azure.Emulator.Pace.Scaled(o.WaitScale)
	o.Azure.armAddr = o.ARMAddr
	secret, trust, err := s.startAzure(o.Azure)
	if err != nil {
		return nil, err
	}
	if err := s.putSecrets(secret); err != nil {
		return nil, err
	}

	functions, err := s.functions(o, trust)
	if err != nil {
		return nil, err
	}
	s.Host = lambda.NewHost(o.Logs, functions...)
	s.onClose(s.Host.Close)
	if err := s.startWorkflows(o); err != nil {
		return nil, err
	}
	s.serve(awsListener, awsendpoint.New(secretOf, map[string]http.Handler{
		"secretsmanager": s.Secrets,
		"sts":            s.STS,
		"iam":            iam.New(s.STS),
		"lambda":         s.Host.API(),
		"s3":             s.S3,
		"events":         s.Bus,
		"states":         s.States,
	}))
	if err := s.serveAPI(listener, o.TLS); err != nil {
		return nil, err
	}
	return s, s.resume()
}

// CallersSecretID is the name of the callers' secret, which the stack of a deployment does not make; this one
// has a caller from the start.
func (s *Stack) CallersSecretID() string {
	return s.Template.Functions["ChatFunction"].Environment["CALLERS_SECRET_ID"]
}

// Close ends all that Start started, bootstraps included.
func (s *Stack) Close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		if err := s.closers[i](); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	s.closers = nil
	s.serving.Wait()
	return errors.Join(errs...)
}

// tempDir makes a directory that goes with the stack.
func (s *Stack) tempDir() (string, error) {
	dir, err := os.MkdirTemp("", "aoai-bridge-")
	if err == nil {
		s.onClose(func() error { return os.RemoveAll(dir) })
	}
	return dir, err
}

func (s *Stack) onClose(close func() error) { s.closers = append(s.closers, close) }

// serve serves until Close. Connections are cut then, since a stream may last for minutes.
func (s *Stack) serve(l net.Listener, h http.Handler) *http.Server {
	server := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	s.onClose(server.Close)
	s.serving.Go(func() { _ = server.Serve(l) }) // always ErrServerClosed
	return server
}

// serveAPI serves the functions' routes.
func (s *Stack) serveAPI(l net.Listener, overTLS bool) error {
	api := apigateway.New(s.Template.API, s.Host.Invoke)
	if !overTLS {
		s.serve(l, api)
		return nil
	}
	c, err := certificate.New("local API")
	if err != nil {
		return err
	}
	s.URL, s.TrustPEM = "https://"+l.Addr().String(), certificate.PEM(c)
	s.serveTLS(l, api, &tls.Config{Certificates: []tls.Certificate{c}})
	return nil
}

// serveTLS serves over TLS until Close.
func (s *Stack) serveTLS(l net.Listener, h http.Handler, c *tls.Config) {
	server := &http.Server{Handler: h, TLSConfig: c, ErrorLog: log.New(io.Discard, "", 0)}
	s.onClose(server.Close)
	s.serving.Go(func() { _ = server.ServeTLS(l, "", "") }) // always ErrServerClosed
}

// secretOf knows a person's access key and, beginning with it, those of the functions.
func secretOf(accessKeyID string) (string, bool) {
	return AccessKey, accessKeyID == AccessKey || strings.HasPrefix(accessKeyID, AccessKey+"-")
}

func listen(addr string) (net.Listener, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		l.Close()
		return nil, fmt.Errorf("%s is not a loopback address", addr)
	}
	return l, nil
}

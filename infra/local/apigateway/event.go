package apigateway

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash/fnv"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"aoai-bridge/infra/local/lambda"
)

// apiID is the API's, in the form that the service gives out.
const apiID = "local00000"

// A call is a request and what the gateway noted down about it.
type call struct {
	request    *http.Request
	requestID  string
	extendedID string
	received   time.Time
}

func newCall(r *http.Request) *call {
	var random [11]byte
	rand.Read(random[:])
	return &call{r, uuid.NewString(), base64.RawURLEncoding.EncodeToString(random[:]) + "=", time.Now()}
}

// event is what a Lambda function gets of a REST API with proxy integration, null where there is
// nothing. https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
type event struct {
	Resource                        string              `json:"resource"`
	Path                            string              `json:"path"` // decoded
	HTTPMethod                      string              `json:"httpMethod"`
	Headers                         map[string]string   `json:"headers"` // the last value of each
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters"` // the last value of each
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters                  map[string]string   `json:"pathParameters"`
	StageVariables                  map[string]string   `json:"stageVariables"`
	RequestContext                  requestContext      `json:"requestContext"`
	Body                            *string             `json:"body"`
	IsBase64Encoded                 bool                `json:"isBase64Encoded"`
}

type requestContext struct {
	ResourceID        string   `json:"resourceId"`
	ResourcePath      string   `json:"resourcePath"`
	HTTPMethod        string   `json:"httpMethod"`
	ExtendedRequestID string   `json:"extendedRequestId"`
	RequestTime       string   `json:"requestTime"`
	Path              string   `json:"path"`
	AccountID         string   `json:"accountId"`
	Protocol          string   `json:"protocol"`
	Stage             string   `json:"stage"`
	DomainPrefix      string   `json:"domainPrefix"`
	RequestTimeEpoch  int64    `json:"requestTimeEpoch"` // milliseconds
	RequestID         string   `json:"requestId"`
	Identity          identity `json:"identity"`
	DomainName        string   `json:"domainName"`
	APIID             string   `json:"apiId"`
}

// identity has a nil for everything that comes with an AWS signature.
type identity struct {
	CognitoIdentityPoolID         *string `json:"cognitoIdentityPoolId"`
	AccountID                     *string `json:"accountId"`
	CognitoIdentityID             *string `json:"cognitoIdentityId"`
	Caller                        *string `json:"caller"`
	SourceIP                      string  `json:"sourceIp"`
	PrincipalOrgID                *string `json:"principalOrgId"`
	AccessKey                     *string `json:"accessKey"`
	CognitoAuthenticationType     *string `json:"cognitoAuthenticationType"`
	CognitoAuthenticationProvider *string `json:"cognitoAuthenticationProvider"`
	UserARN                       *string `json:"userArn"`
	UserAgent                     *string `json:"userAgent"`
	User                          *string `json:"user"`
}

// event returns the payload of the invocation. A body that is neither of a binary media type nor
// UTF-8 arrives damaged, as from the service: what is no character becomes U+FFFD.
func (g *gateway) event(c *call, resource *resource, segments []string, body []byte) []byte {
	r := c.request
	host, port := splitHostPort(r.Host, "80")
	sourceIP, _ := splitHostPort(r.RemoteAddr, "")
	domainPrefix, _, _ := strings.Cut(host, ".")

	e := event{
		Resource:                        resource.path,
		Path:                            r.URL.EscapedPath(), // as the service sends it, unlike that of HTTP APIs
		HTTPMethod:                      r.Method,
		MultiValueHeaders:               forwardedHeaders(r, sourceIP, port),
		MultiValueQueryStringParameters: nilIfEmpty(r.URL.Query()),
		PathParameters:                  resource.pathParameters(segments),
		RequestContext: requestContext{
			ResourceID:        resource.id,
			ResourcePath:      resource.path,
			HTTPMethod:        r.Method,
			ExtendedRequestID: c.extendedID,
			RequestTime:       c.received.UTC().Format("02/Jan/2006:15:04:05 -0700"),
			Path:              r.URL.EscapedPath(),
			AccountID:         lambda.AccountID,
			Protocol:          r.Proto,
			Stage:             g.stage,
			DomainPrefix:      domainPrefix,
			RequestTimeEpoch:  c.received.UnixMilli(),
			RequestID:         c.requestID,
			Identity:          identity{SourceIP: sourceIP},
			DomainName:        host,
			APIID:             apiID,
		},
	}
	e.Headers = lastValues(e.MultiValueHeaders)
	e.QueryStringParameters = lastValues(e.MultiValueQueryStringParameters)
	if agent, ok := r.Header["User-Agent"]; ok {
		e.RequestContext.Identity.UserAgent = &agent[0]
	}
	if len(body) > 0 {
		e.IsBase64Encoded = g.binary.match(r.Header.Get("Content-Type"))
		text := ""
		if e.IsBase64Encoded {
			text = base64.StdEncoding.EncodeToString(body)
		} else {
			text = string(body)
		}
		e.Body = &text
	}

	var payload bytes.Buffer
	payload.Grow(len(body) + len(body)/8 + 2<<10)
	encoder := json.NewEncoder(&payload)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(e) // strings and numbers always marshal
	return bytes.TrimSuffix(payload.Bytes(), []byte("\n"))
}

// forwardedHeaders returns the request's headers as the service passes them on: without Connection
// and Content-Length, and with its own.
func forwardedHeaders(r *http.Request, sourceIP, port string) map[string][]string {
	headers := make(map[string][]string, len(r.Header)+5)
	for name, values := range r.Header {
		if name != "Connection" && name != "Content-Length" {
			headers[name] = values
		}
	}
	via := sourceIP
	if earlier := r.Header["X-Forwarded-For"]; len(earlier) > 0 {
		via = strings.Join(earlier, ", ") + ", " + sourceIP
	}
	headers["Host"] = []string{r.Host}
	headers["X-Forwarded-For"] = []string{via}
	headers["X-Forwarded-Port"] = []string{port}
	headers["X-Forwarded-Proto"] = []string{"http"}
	if headers["X-Amzn-Trace-Id"] == nil {
		var random [12]byte
		rand.Read(random[:])
		headers["X-Amzn-Trace-Id"] = []string{
			"Root=1-" + strconv.FormatInt(time.Now().Unix(), 16) + "-" + hex.EncodeToString(random[:]),
		}
	}
	return headers
}

func lastValues(multi map[string][]string) map[string]string {
	if multi == nil {
		return nil
	}
	single := make(map[string]string, len(multi))
	for name, values := range multi {
		single[name] = values[len(values)-1]
	}
	return single
}

func nilIfEmpty(m map[string][]string) map[string][]string {
	if len(m) == 0 {
		return nil
	}
	return m
}

// splitHostPort also takes an address without a port.
func splitHostPort(address, defaultPort string) (host, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address, defaultPort
	}
	return host, port
}

// resourceID makes up a resource's id, the same for the same path.
func resourceID(path string) string {
	h := fnv.New64a()
	h.Write([]byte(path))
	id := strconv.FormatUint(h.Sum64(), 36)
	return (id + "000000")[:6]
}

package awsendpoint_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"aoai-bridge/infra/local/awsendpoint"
	localsecrets "aoai-bridge/infra/local/secretsmanager"
	localsts "aoai-bridge/infra/local/sts"
)

// open starts an endpoint with Secrets Manager and STS, and optionally something as Lambda.
func open(t *testing.T, lambda http.Handler) string {
	t.Helper()
	secrets := localsecrets.New()
	secrets.Put("name", "value")
	services := map[string]http.Handler{"secretsmanager": secrets, "sts": localsts.New()}
	if lambda != nil {
		services["lambda"] = lambda
	}
	server := httptest.NewServer(awsendpoint.New(func(id string) (string, bool) { return "local", id == "local" }, services))
	t.Cleanup(server.Close)
	return server.URL
}

// calls are one call of each protocol.
var calls = map[string]func(ctx context.Context, config aws.Config) error{
	"secretsmanager": func(ctx context.Context, config aws.Config) error {
		_, err := secretsmanager.NewFromConfig(config).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String("name")})
		return err
	},
	"sts": func(ctx context.Context, config aws.Config) error {
		_, err := sts.NewFromConfig(config).GetCallerIdentity(ctx, nil)
		return err
	},
	"lambda": func(ctx context.Context, config aws.Config) error {
		_, err := lambda.NewFromConfig(config).Invoke(ctx, &lambda.InvokeInput{
			FunctionName: aws.String("arn:aws:lambda:us-east-1:000000000000:function:F"), Payload: []byte(`{}`)})
		return err
	},
}

func config(url, id, secret string) aws.Config {
	return aws.Config{
		Region:           "us-east-1",
		BaseEndpoint:     &url,
		RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}, nil
		}),
	}
}

func TestDispatch(t *testing.T) {
	url := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != `{}` || !strings.Contains(r.URL.Path, "/functions/") {
			t.Errorf("Lambda got %s %q %v", r.URL.Path, body, err)
		}
	}))
	for service, call := range calls {
		t.Run(service, func(t *testing.T) {
			if err := call(t.Context(), config(url, "local", "local")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name, service, id, secret string
		status                    int
		code, message             string
	}{
		{"unknown access key, JSON", "secretsmanager", "x", "local", 400, "UnrecognizedClientException", "The security token included in the request is invalid."},
		{"unknown access key, query", "sts", "x", "local", 403, "InvalidClientTokenId", "The security token included in the request is invalid."},
		{"unknown access key, REST", "lambda", "x", "local", 403, "UnrecognizedClientException", "The security token included in the request is invalid."},
		{"wrong secret, JSON", "secretsmanager", "local", "x", 400, "InvalidSignatureException", "The request signature we calculated does not match"},
		{"wrong secret, query", "sts", "local", "x", 403, "SignatureDoesNotMatch", "The request signature we calculated does not match"},
		{"wrong secret, REST", "lambda", "local", "x", 403, "InvalidSignatureException", "The request signature we calculated does not match"},
		{"no such service", "lambda", "local", "local", 501, "NotImplemented", `this stack has no AWS service "lambda"; it has secretsmanager, sts`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := calls[tt.service](t.Context(), config(open(t, nil), tt.id, tt.secret))
			var apiErr smithy.APIError
			var response *awshttp.ResponseError
			if !errors.As(err, &apiErr) || !errors.As(err, &response) {
				t.Fatalf("got %v", err)
			}
			if response.HTTPStatusCode() != tt.status || apiErr.ErrorCode() != tt.code || !strings.HasPrefix(apiErr.ErrorMessage(), tt.message) {
				t.Errorf("got %v, want %d %s: %s", err, tt.status, tt.code, tt.message)
			}
		})
	}
}

func TestUnsigned(t *testing.T) {
	tests := []struct {
		name, method, header, value string
		status                      int
		want                        string
	}{
		{"a browser", "GET", "Accept", "text/html", 403, `"__type":"MissingAuthenticationTokenException"`},
		{"JSON", "POST", "X-Amz-Target", "secretsmanager.GetSecretValue", 400, `"__type":"MissingAuthenticationTokenException"`},
		{"query", "POST", "Content-Type", "application/x-www-form-urlencoded", 403, "<Code>MissingAuthenticationToken</Code>"},
		{"a scope of S3", "GET", "Authorization", "AWS4-HMAC-SHA256 Credential=x/20260102/r/s3/aws4_request,SignedHeaders=host,Signature=0", 400,
			"<Code>AuthorizationHeaderMalformed</Code>"},
	}
	url := open(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequest(tt.method, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set(tt.header, tt.value)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != tt.status || !strings.Contains(string(body), tt.want) {
				t.Errorf("got %d %s, want %d ...%s...", response.StatusCode, body, tt.status, tt.want)
			}
		})
	}
}

// boto3 waits for 100 Continue whatever the length is.
func TestContinue(t *testing.T) {
	host := strings.TrimPrefix(open(t, nil), "http://")
	for _, tt := range []struct {
		name, header string
		want         []int
	}{
		{"no body", "Expect: 100-continue\r\n", []int{100, 403}},
		{"no body, in another case", "Expect: 100-Continue\r\n", []int{100, 403}},
		{"not asked for", "", []int{403}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "PUT /bucket/key HTTP/1.1\r\nHost: %s\r\n%sContent-Length: 0\r\n\r\n", host, tt.header)
			answers := bufio.NewReader(conn)
			for _, want := range tt.want {
				response, err := http.ReadResponse(answers, nil)
				if err != nil {
					t.Fatal(err)
				}
				if response.StatusCode != want {
					t.Errorf("got %d, want %d", response.StatusCode, want)
				}
				response.Body.Close()
			}
		})
	}
}

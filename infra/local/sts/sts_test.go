package sts_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/golang-jwt/jwt/v5"

	"aoai-bridge/infra/local/sts"
)

// open starts a server and a client of it that does not retry.
func open(t *testing.T) (*sts.Server, *client.Client) {
	t.Helper()
	s := sts.New()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, client.New(client.Options{
		Region:       "us-east-1",
		BaseEndpoint: &server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
		RetryMaxAttempts: 1,
	})
}

func TestGetCallerIdentity(t *testing.T) {
	_, c := open(t)
	out, err := c.GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if *out.Account != "000000000000" || *out.Arn != "arn:aws:sts::000000000000:assumed-role/local/local" || *out.UserId == "" {
		t.Errorf("got %s %s %s", *out.Account, *out.Arn, *out.UserId)
	}
}

// An access key that was given a role is that role to everybody.
func TestRole(t *testing.T) {
	s, c := open(t)
	s.SetRole("local", "stack-us-east-1-chat")
	out, err := c.GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:sts::000000000000:assumed-role/stack-us-east-1-chat/local"; *out.Arn != want {
		t.Errorf("got %s, want %s", *out.Arn, want)
	}
	token, err := c.GetWebIdentityToken(t.Context(), &client.GetWebIdentityTokenInput{Audience: []string{"a"}, SigningAlgorithm: aws.String("RS256")})
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(*token.WebIdentityToken, &claims); err != nil || claims.Subject != sts.RoleARN("stack-us-east-1-chat") {
		t.Errorf("the subject is %q, error %v", claims.Subject, err)
	}
}

func TestGetWebIdentityToken(t *testing.T) {
	tests := []struct {
		name      string
		in        client.GetWebIdentityTokenInput
		lifetime  time.Duration
		algorithm string
	}{
		{"defaults", client.GetWebIdentityTokenInput{Audience: []string{"api://AzureADTokenExchange"}, SigningAlgorithm: aws.String("RS256")},
			5 * time.Minute, "RS256"},
		{"ES384, two audiences, tags", client.GetWebIdentityTokenInput{Audience: []string{"a", "b"}, SigningAlgorithm: aws.String("ES384"),
			DurationSeconds: aws.Int32(3600), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}, time.Hour, "ES384"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := open(t)
			out, err := c.GetWebIdentityToken(t.Context(), &tt.in)
			if err != nil {
				t.Fatal(err)
			}
			claims := jwt.MapClaims{}
			_, err = jwt.ParseWithClaims(*out.WebIdentityToken, claims, func(token *jwt.Token) (any, error) {
				return s.PublicKey(token.Header["kid"].(string)), nil
			}, jwt.WithValidMethods([]string{tt.algorithm}), jwt.WithIssuer(s.Issuer()), jwt.WithSubject("arn:aws:iam::000000000000:role/local"),
				jwt.WithAudience(tt.in.Audience[0]), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
			if err != nil {
				t.Fatal(err)
			}
			audience, _ := claims.GetAudience()
			if !slices.Equal(audience, tt.in.Audience) {
				t.Errorf("audience %v, want %v", audience, tt.in.Audience)
			}
			issued, _ := claims.GetIssuedAt()
			expires, _ := claims.GetExpirationTime()
			if got := expires.Sub(issued.Time); got != tt.lifetime || !expires.Equal(*out.Expiration) {
				t.Errorf("valid for %v until %v, want %v; the answer says %v", got, expires, tt.lifetime, out.Expiration)
			}
			details := claims["https://sts.amazonaws.com/"].(map[string]any)
			if details["aws_account"] != "000000000000" || details["source_region"] != "us-east-1" {
				t.Errorf("details %v", details)
			}
			if tags, _ := details["request_tags"].(map[string]any); len(tags) != len(tt.in.Tags) {
				t.Errorf("tags %v, want %d", tags, len(tt.in.Tags))
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	audience, rs256 := []string{"a"}, aws.String("RS256")
	tests := []struct {
		name    string
		prepare func(*sts.Server)
		in      client.GetWebIdentityTokenInput
		code    string
		message string
	}{
		{"federation disabled", func(s *sts.Server) { s.DisableFederation(true) },
			client.GetWebIdentityTokenInput{Audience: audience, SigningAlgorithm: rs256},
			"OutboundWebIdentityFederationDisabledException", "not enabled for this account"},
		{"unknown algorithm", nil, client.GetWebIdentityTokenInput{Audience: audience, SigningAlgorithm: aws.String("HS256")},
			"ValidationError", "[RS256, ES384]"},
		{"no audience", nil, client.GetWebIdentityTokenInput{Audience: []string{}, SigningAlgorithm: rs256}, "ValidationError", "'audience'"},
		{"too short", nil, client.GetWebIdentityTokenInput{Audience: audience, SigningAlgorithm: rs256, DurationSeconds: aws.Int32(59)},
			"ValidationError", "between 60 and 3600"},
		{"fault", func(s *sts.Server) { s.FailNext(1) }, client.GetWebIdentityTokenInput{Audience: audience, SigningAlgorithm: rs256},
			"InternalFailure", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := open(t)
			if tt.prepare != nil {
				tt.prepare(s)
			}
			_, err := c.GetWebIdentityToken(t.Context(), &tt.in)
			var apiErr smithy.APIError
			if !errors.As(err, &apiErr) || apiErr.ErrorCode() != tt.code || !strings.Contains(apiErr.ErrorMessage(), tt.message) {
				t.Errorf("got %v, want %s: %s", err, tt.code, tt.message)
			}
			if got := s.Calls("GetWebIdentityToken"); got != 1 {
				t.Errorf("%d calls counted, want 1", got)
			}
		})
	}
}

func TestUnknownAction(t *testing.T) {
	_, c := open(t)
	_, err := c.GetSessionToken(t.Context(), nil)
	var apiErr smithy.APIError
	if !errors.As(err, &apiErr) || apiErr.ErrorCode() != "InvalidAction" {
		t.Errorf("got %v", err)
	}
}

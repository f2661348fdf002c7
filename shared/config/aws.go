package config

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// AWS returns the SDK's configuration. A Lambda function finds its region and credentials in its
// environment, where reading them costs next to nothing; the default chain, which takes half of a
// cold start, is for everything else.
func AWS(ctx context.Context) (aws.Config, error) {
	env, err := awsconfig.NewEnvConfig()
	if err != nil || env.Region == "" || !env.Credentials.HasKeys() {
		return awsconfig.LoadDefaultConfig(ctx)
	}
	cfg := aws.Config{
		Region:        env.Region,
		Credentials:   credentials.StaticCredentialsProvider{Value: env.Credentials},
		ConfigSources: []any{env}, // AWS_ENDPOINT_URL_<SERVICE> and its like
	}
	if ignore := env.IgnoreConfiguredEndpoints; env.BaseEndpoint != "" && (ignore == nil || !*ignore) {
		cfg.BaseEndpoint = &env.BaseEndpoint
	}
	return cfg, nil
}

// Package awssignin finds region and credentials as every AWS tool does, and says what to do where there are none. Whether
// AWS takes them is left to the first call.
package awssignin

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// Config returns the configuration of AWS's clients for a region, or for the one that is set where that is "".
// AWS_ENDPOINT_URL works too.
func Config(ctx context.Context, region string) (aws.Config, error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return c, fmt.Errorf("AWS is not configured: %w", err)
	}
	if c.Region == "" {
		return c, errors.New("no AWS region: set AWS_REGION to the stack's, or AWS_PROFILE to a profile that has it")
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		return c, fmt.Errorf("there are no AWS credentials: set AWS_PROFILE, or sign in with aws login, aws sso login or aws configure (%w)", err)
	}
	return c, nil
}

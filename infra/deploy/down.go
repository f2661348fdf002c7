package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// down deletes the stack, and says how to have what is left.
func (s *session) down(ctx context.Context) error {
	found, err := s.find(ctx)
	if err != nil {
		return err
	}
	if found == nil {
		return fmt.Errorf("there is no stack %s in %s, account %s; for another one: make undeploy STACK=aoai-two REGION=eu-west-1", s.stack, s.region, s.cloud.account)
	}
	if busy := obstacle(found, s.region); busy != nil && !deletable[found.StackStatus] {
		return busy
	}
	bucket, err := s.cloud.bucketOf(ctx, found)
	if err != nil {
		return err
	}
	callers := s.callersSecret()
	azure := s.value("AzureSecretId")
	s.say("Stack %s in %s, account %s", s.stack, s.region, s.cloud.account)
	s.say("  goes:   the API and its URL, the functions and their logs, the workflows, the roles, the alarms")
	if bucket.name != "" {
		s.say("  stays:  the bucket %s, with %s (deleted if it is empty)", bucket.name, bucket.contents)
	}
	s.say("  stays:  the secrets %s (a stack of this name takes it up again) and %s", callers, azure)
	if sure, err := s.confirm("Delete the stack?"); err != nil {
		return err
	} else if !sure {
		return errors.New("nothing was deleted")
	}

	c := s.command(ctx, nil, "sam", "delete", "--no-prompts", "--stack-name", s.stack, "--region", s.region)
	if err := c.Run(); err != nil {
		return s.withFailures(ctx, fmt.Errorf("sam delete failed (%w); what it says is above", err))
	}
	kept, err := s.cloud.deleteIfEmpty(ctx, bucket.name)
	if err != nil {
		return err
	}
	if kept {
		s.say("\nThe bucket %s is kept, and S3 charges for what is in it.", bucket.name)
		s.say(keptBucket, bucket.name, s.region)
	}
	s.say("\nThe secrets are kept, for 0.40 USD each a month. To delete those that no other stack uses:\n")
	for _, id := range []string{callers, azure} {
		s.say("    aws secretsmanager delete-secret --region %s --secret-id %s", s.region, id)
	}
	return nil
}

// deletable are the states of a stack that cannot be updated, but deleted.
var deletable = map[types.StackStatus]bool{
	types.StackStatusRollbackComplete: true, types.StackStatusRollbackFailed: true, types.StackStatusCreateFailed: true,
	types.StackStatusDeleteFailed: true, types.StackStatusUpdateRollbackFailed: true,
}

// keptBucket are the commands for a bucket that is kept: its name, and the region. S3 deletes some versions at a time.
const keptBucket = `To take what is in it, but not the jobs, into the bucket of another stack:

    aws s3 sync s3://%[1]s s3://OTHER --exclude 'inbox/*' --exclude 'jobs/*'

To delete it with every version of all that is in it, for good:

    while aws s3api list-object-versions --region %[2]s --bucket %[1]s --max-items 500 --output json \
      --query '{Quiet: ` + "`true`" + `, Objects: [Versions, DeleteMarkers][][].{Key: Key, VersionId: VersionId}}' >versions.json && grep -q VersionId versions.json
    do aws s3api delete-objects --region %[2]s --bucket %[1]s --delete file://versions.json; done
    aws s3api delete-bucket --region %[2]s --bucket %[1]s`

// bucketState is a bucket before the stack goes; the zero value is none.
type bucketState struct{ name, contents string }

func (c *cloud) bucketOf(ctx context.Context, s *types.Stack) (bucketState, error) {
	name := outputs(s)["BatchBucket"]
	if name == "" { // of a stack that was never whole
		return bucketState{}, nil
	}
	list, err := c.objects.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &name})
	if isCode(err, "NoSuchBucket") {
		return bucketState{}, nil
	} else if err != nil {
		return bucketState{}, fmt.Errorf("what is in the bucket %s cannot be seen: %w", name, err)
	}
	contents := fmt.Sprintf("%d objects", len(list.Contents))
	switch {
	case aws.ToBool(list.IsTruncated):
		contents = fmt.Sprintf("more than %d objects", len(list.Contents))
	case len(list.Contents) == 0:
		contents = "nothing"
	}
	return bucketState{name, contents}, nil
}

// deleteIfEmpty reports whether a bucket that the stack has left is kept.
func (c *cloud) deleteIfEmpty(ctx context.Context, name string) (kept bool, err error) {
	if name == "" {
		return false, nil
	}
	_, err = c.objects.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name})
	switch {
	case err == nil, isCode(err, "NoSuchBucket"):
		return false, nil
	case isCode(err, "BucketNotEmpty"), isCode(err, "AccessDenied"):
		return true, nil
	}
	return false, fmt.Errorf("the stack is deleted, but not its bucket %s: %w", name, err)
}

func isCode(err error, code string) bool {
	var refused smithy.APIError
	return errors.As(err, &refused) && refused.ErrorCode() == code
}

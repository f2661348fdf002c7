package template

import (
	"regexp"
	"strings"
)

// accountARN begins the ARNs of a service in the local stack.
func accountARN(service string) string {
	return "arn:aws:" + service + ":" + pseudoParameters["AWS::Region"] + ":" + pseudoParameters["AWS::AccountId"] + ":"
}

// physicalID is what Ref gives of a resource. Only a deployment has ids of its own; here a function
// and a state machine are called as the template calls them, and a bucket after it.
func (s *scope) physicalID(id string) (string, error) {
	switch s.typeOf(id) {
	case "AWS::S3::Bucket":
		return s.bucketName(id)
	case "AWS::Serverless::StateMachine":
		return s.physicalAttribute(id, "Arn")
	}
	return id, nil
}

// physicalAttribute is what Fn::GetAtt gives. Attributes that nothing here has use for stay
// symbolic: Resource.Attribute.
func (s *scope) physicalAttribute(id, attribute string) (string, error) {
	switch s.typeOf(id) + " " + attribute {
	case "AWS::Serverless::Function Arn":
		return accountARN("lambda") + "function:" + id, nil
	case "AWS::Serverless::StateMachine Arn":
		name, err := s.machineName(id)
		return accountARN("states") + "stateMachine:" + name, err
	case "AWS::Serverless::StateMachine Name":
		return s.machineName(id)
	case "AWS::S3::Bucket Arn":
		name, err := s.bucketName(id)
		return "arn:aws:s3:::" + name, err
	}
	return id + "." + attribute, nil
}

func (s *scope) typeOf(id string) string { return scalarText(descend(s.resources[id], "Type")) }

func (s *scope) machineName(id string) (string, error) {
	return s.property(id, "Name", id)
}

var wordStart = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// bucketName is the bucket's own name, or one made of the stack's and the resource's: BatchBucket of
// aoai-bridge is aoai-bridge-batch.
func (s *scope) bucketName(id string) (string, error) {
	words := wordStart.ReplaceAllString(strings.TrimSuffix(id, "Bucket"), "$1-$2")
	return s.property(id, "BucketName", pseudoParameters["AWS::StackName"]+"-"+strings.ToLower(words))
}

// property evaluates a property that is text.
func (s *scope) property(id, name, absent string) (string, error) {
	properties, err := s.mapping(descend(s.resources[id], "Properties"), name)
	if err != nil {
		return "", err
	}
	r := reader{from: properties}
	r.text(name, &absent)
	return absent, r.err
}

package secretsmanager

import (
	"bytes"
	"regexp"
	"slices"

	"github.com/google/uuid"

	"aoai-bridge/infra/local/awsjson"
)

// reference is what most operations answer: which secret, which version.
type reference struct {
	ARN           string
	Name          string
	VersionID     string   `json:"VersionId,omitempty"`
	VersionStages []string `json:",omitempty"`
}

// value is a secret's content in a request.
type value struct {
	ClientRequestToken string
	SecretString       *string
	SecretBinary       []byte
}

func (v value) empty() bool { return v.SecretString == nil && v.SecretBinary == nil }

func (v value) sameAs(old *version) bool {
	if (v.SecretString == nil) != (old.text == nil) {
		return false
	}
	return bytes.Equal(v.SecretBinary, old.binary) && (old.text == nil || *v.SecretString == *old.text)
}

func (v value) check() error {
	if n := len(v.ClientRequestToken); n != 0 && (n < 32 || n > 64) {
		return awsjson.BadRequest("InvalidParameterException", "ClientRequestToken must be 32-64 characters long.")
	}
	if v.SecretString != nil && len(*v.SecretString) > 65536 || len(v.SecretBinary) > 65536 {
		return awsjson.BadRequest("ValidationException", "1 validation error detected: Value at 'secretString' failed to satisfy "+
			"constraint: Member must have length less than or equal to 65536")
	}
	return nil
}

// store adds v as a version of sec. A token seen before is the same call again, if it says the same.
func (s *Store) store(sec *secret, v value, stages []string) (*version, error) {
	id := v.ClientRequestToken
	if id == "" {
		id = uuid.NewString()
	}
	if old, ok := sec.versions[id]; ok {
		if !v.sameAs(old) {
			return nil, awsjson.BadRequest("ResourceExistsException", "You can't modify an existing version, you can only create a new version.")
		}
		return old, nil
	}
	added := &version{id: id, text: v.SecretString, binary: v.SecretBinary, created: s.now()}
	sec.put(added, stages)
	return added, nil
}

// storeIfGiven makes v the current version, unless it is empty, and returns the answer to that.
func (s *Store) storeIfGiven(sec *secret, v value) (any, error) {
	out := reference{ARN: sec.arn, Name: sec.name}
	if !v.empty() {
		stored, err := s.store(sec, v, []string{current})
		if err != nil {
			return nil, err
		}
		out.VersionID = stored.id
	}
	return out, nil
}

var validName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@!-]{1,512}$`)

func (s *Store) createSecret(in struct {
	value
	Name        string
	Description string
	KMSKeyID    string `json:"KmsKeyId"`
	Tags        []tag
}) (any, error) {
	if !validName.MatchString(in.Name) {
		return nil, awsjson.BadRequest("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, "+
			"or any of the following: -/_+=.@!")
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if sec, ok := s.secrets[in.Name]; ok {
		if !sec.deleted.IsZero() {
			return nil, awsjson.BadRequest("InvalidRequestException",
				"You can't create this secret because a secret with this name is already scheduled for deletion.")
		}
		if old, ok := sec.versions[in.ClientRequestToken]; ok && in.sameAs(old) {
			return reference{ARN: sec.arn, Name: sec.name, VersionID: old.id}, nil
		}
		return nil, awsjson.BadRequest("ResourceExistsException", "The operation failed because the secret %s already exists.", in.Name)
	}
	sec := s.add(in.Name)
	sec.description, sec.kmsKeyID, sec.tags = in.Description, in.KMSKeyID, in.Tags
	return s.storeIfGiven(sec, in.value)
}

func (s *Store) putSecretValue(in struct {
	value
	SecretID      string `json:"SecretId"`
	VersionStages []string
}) (any, error) {
	sec, err := s.findUsable(in.SecretID)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.empty() {
		return nil, awsjson.BadRequest("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
	}
	if in.VersionStages == nil {
		in.VersionStages = []string{current}
	}
	v, err := s.store(sec, in.value, in.VersionStages)
	if err != nil {
		return nil, err
	}
	return reference{sec.arn, sec.name, v.id, slices.Clone(v.stages)}, nil
}

func (s *Store) updateSecret(in struct {
	value
	SecretID    string `json:"SecretId"`
	Description *string
}) (any, error) {
	sec, err := s.findUsable(in.SecretID)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.Description != nil {
		sec.description = *in.Description
	}
	return s.storeIfGiven(sec, in.value)
}

func (s *Store) getSecretValue(in struct {
	SecretID     string `json:"SecretId"`
	VersionID    string `json:"VersionId"`
	VersionStage string
}) (any, error) {
	sec, err := s.findUsable(in.SecretID)
	if err != nil {
		return nil, err
	}
	v, err := sec.findVersion(in.VersionID, in.VersionStage)
	if err != nil {
		return nil, err
	}
	return struct {
		reference
		SecretString *string `json:",omitempty"`
		SecretBinary []byte  `json:",omitempty"`
		CreatedDate  float64
	}{reference{sec.arn, sec.name, v.id, slices.Clone(v.stages)}, v.text, v.binary, seconds(v.created)}, nil
}

func (sec *secret) findVersion(id, stage string) (*version, error) {
	if id == "" {
		if stage == "" {
			stage = current
		}
		if v := sec.versionAt(stage); v != nil {
			return v, nil
		}
		return nil, awsjson.BadRequest("ResourceNotFoundException",
			"Secrets Manager can't find the specified secret value for staging label: %s", stage)
	}
	v, ok := sec.versions[id]
	if !ok {
		return nil, awsjson.BadRequest("ResourceNotFoundException",
			"Secrets Manager can't find the specified secret value for VersionId: %s", id)
	}
	if stage != "" && !slices.Contains(v.stages, stage) {
		return nil, awsjson.BadRequest("InvalidRequestException",
			"You provided a VersionStage that is not associated to the provided VersionId.")
	}
	return v, nil
}

// updateSecretVersionStage moves a label from a version that the caller has to name: it is the
// service's compare-and-swap.
func (s *Store) updateSecretVersionStage(in struct {
	SecretID            string `json:"SecretId"`
	VersionStage        string
	RemoveFromVersionID string `json:"RemoveFromVersionId"`
	MoveToVersionID     string `json:"MoveToVersionId"`
}) (any, error) {
	sec, err := s.findUsable(in.SecretID)
	if err != nil {
		return nil, err
	}
	holder := sec.versionAt(in.VersionStage)
	if holder != nil && holder.id != in.RemoveFromVersionID && holder.id != in.MoveToVersionID {
		return nil, awsjson.BadRequest("InvalidParameterException", "The parameter RemoveFromVersionId can't be empty. Staging label %s "+
			"is currently attached to version %s, so you must explicitly reference that version in RemoveFromVersionId.",
			in.VersionStage, holder.id)
	}
	if in.MoveToVersionID == "" {
		if in.VersionStage == current {
			return nil, awsjson.BadRequest("InvalidParameterException", "You can only move staging label AWSCURRENT to a different "+
				"secret version. It can't be completely removed.")
		}
		if holder != nil {
			holder.dropStage(in.VersionStage)
		}
		return reference{ARN: sec.arn, Name: sec.name}, nil
	}
	target, ok := sec.versions[in.MoveToVersionID]
	if !ok {
		return nil, awsjson.BadRequest("ResourceNotFoundException",
			"Secrets Manager can't find the specified secret value for VersionId: %s", in.MoveToVersionID)
	}
	sec.moveStage(in.VersionStage, target)
	sec.changed = s.now()
	return reference{ARN: sec.arn, Name: sec.name}, nil
}

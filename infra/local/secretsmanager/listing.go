package secretsmanager

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"aoai-bridge/infra/local/awsjson"
)

// listing describes a secret without its value.
type listing struct {
	ARN                    string
	Name                   string
	Description            string `json:",omitempty"`
	KMSKeyID               string `json:"KmsKeyId,omitempty"`
	Tags                   []tag  `json:",omitempty"`
	CreatedDate            float64
	LastChangedDate        float64
	DeletedDate            *float64            `json:",omitempty"`
	VersionIDsToStages     map[string][]string `json:"VersionIdsToStages,omitempty"`     // in DescribeSecret
	SecretVersionsToStages map[string][]string `json:"SecretVersionsToStages,omitempty"` // in ListSecrets
}

func (sec *secret) listing() listing {
	l := listing{ARN: sec.arn, Name: sec.name, Description: sec.description, KMSKeyID: sec.kmsKeyID, Tags: sec.tags,
		CreatedDate: seconds(sec.created), LastChangedDate: seconds(sec.changed)}
	if !sec.deleted.IsZero() {
		at := seconds(sec.deleted)
		l.DeletedDate = &at
	}
	return l
}

func (s *Store) describeSecret(in struct {
	SecretID string `json:"SecretId"`
}) (any, error) {
	sec, err := s.find(in.SecretID)
	if err != nil {
		return nil, err
	}
	l := sec.listing()
	l.VersionIDsToStages = sec.versionIDsToStages()
	return l, nil
}

func (s *Store) listSecrets(in struct {
	MaxResults             int
	NextToken              string
	IncludePlannedDeletion bool
	Filters                []struct{ Key string }
}) (any, error) {
	if len(in.Filters) > 0 {
		return nil, awsjson.BadRequest("InvalidParameterException", "filters are not supported here")
	}
	out := struct {
		SecretList []listing
		NextToken  string `json:",omitempty"`
	}{SecretList: []listing{}}
	skip, _ := strconv.Atoi(in.NextToken)
	for i, name := range slices.Sorted(maps.Keys(s.secrets)) {
		sec := s.secrets[name]
		if i < skip || !sec.deleted.IsZero() && !in.IncludePlannedDeletion {
			continue
		}
		if in.MaxResults > 0 && len(out.SecretList) == in.MaxResults {
			out.NextToken = strconv.Itoa(i)
			break
		}
		l := sec.listing()
		l.SecretVersionsToStages = sec.versionIDsToStages()
		out.SecretList = append(out.SecretList, l)
	}
	return out, nil
}

func (s *Store) deleteSecret(in struct {
	SecretID                   string `json:"SecretId"`
	RecoveryWindowInDays       int
	ForceDeleteWithoutRecovery bool
}) (any, error) {
	sec, err := s.findUsable(in.SecretID)
	if err != nil {
		return nil, err
	}
	if in.RecoveryWindowInDays == 0 {
		in.RecoveryWindowInDays = 30
	}
	sec.deleted = s.now().Add(time.Duration(in.RecoveryWindowInDays) * 24 * time.Hour)
	if in.ForceDeleteWithoutRecovery {
		sec.deleted = s.now()
		delete(s.secrets, sec.name)
	}
	return struct {
		ARN, Name    string
		DeletionDate float64
	}{sec.arn, sec.name, seconds(sec.deleted)}, nil
}

func (s *Store) restoreSecret(in struct {
	SecretID string `json:"SecretId"`
}) (any, error) {
	sec, err := s.find(in.SecretID)
	if err != nil {
		return nil, err
	}
	sec.deleted = time.Time{}
	return reference{ARN: sec.arn, Name: sec.name}, nil
}

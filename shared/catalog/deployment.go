// Package catalog has what is known of Azure OpenAI's offer, as data with sources, and looks it up.
// It does not know which of it a user has bought.
package catalog

import "slices"

// DeploymentType is an Azure SKU name.
type DeploymentType string

// The deployment types Azure OpenAI sells.
// Source: MicrosoftDocs/azure-ai-docs concepts-deployment-types-content.md (05/08/2026).
const (
	Standard                   DeploymentType = "Standard"
	GlobalStandard             DeploymentType = "GlobalStandard"
	DataZoneStandard           DeploymentType = "DataZoneStandard"
	GlobalBatch                DeploymentType = "GlobalBatch"
	DataZoneBatch              DeploymentType = "DataZoneBatch"
	ProvisionedManaged         DeploymentType = "ProvisionedManaged"
	GlobalProvisionedManaged   DeploymentType = "GlobalProvisionedManaged"
	DataZoneProvisionedManaged DeploymentType = "DataZoneProvisionedManaged"
	DeveloperTier              DeploymentType = "DeveloperTier"
)

// DeploymentTypes lists them all.
func DeploymentTypes() []DeploymentType {
	return []DeploymentType{
		Standard, GlobalStandard, DataZoneStandard, GlobalBatch, DataZoneBatch,
		ProvisionedManaged, GlobalProvisionedManaged, DataZoneProvisionedManaged, DeveloperTier,
	}
}

// Known reports whether Azure sells such a type.
func (t DeploymentType) Known() bool { return slices.Contains(DeploymentTypes(), t) }

// Batch reports whether the type takes batch jobs, and then nothing else.
func (t DeploymentType) Batch() bool { return t == GlobalBatch || t == DataZoneBatch }

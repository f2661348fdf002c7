package catalog

import "testing"

// BenchmarkEmbedded is what a cold start pays for the catalog.
func BenchmarkEmbedded(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		embedded()
	}
}

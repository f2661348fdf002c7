// Embeddings serves embeddings.
package main

import (
	"aoai-bridge/shared/bootstrap"
	"aoai-bridge/shared/inference"
)

func main() {
	f := bootstrap.New("embeddings")
	api := inference.New(f.Azure, f.Env.FirstByteTimeout).Embeddings()
	f.Serve(api, api.Direct(), inference.EmbeddingsPath)
}

// Embeddings serves embeddings.
package main

import (
	"aoai-bridge/shared/bootstrap"
	"aoai-bridge/shared/inference"
)

func main() {
	f := bootstrap.New("embeddings")
	http := inference.New(f.Azure, f.Env.FirstByteTimeout).Embeddings()
	direct := inference.New(f.Azure, 0).Embeddings()
	f.Serve(http, direct, inference.EmbeddingsPath)
}

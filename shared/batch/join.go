package batch

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"strings"

	"aoai-bridge/shared/openaierr"
)

// Join makes one object of several, in their order. sum is the MD5 that it has to have, in hex; "" is any.
// S3's own way of joining objects takes none below 5 MiB but the last.
func (s *Service) Join(ctx context.Context, key string, from []string, sum string) error {
	out := s.store.Create(ctx, key, nil)
	defer out.Abandon()
	hash := md5.New()
	both := io.MultiWriter(out, hash)
	for _, piece := range from {
		in := s.store.Open(ctx, piece)
		_, err := io.Copy(both, in)
		in.Close()
		if err != nil {
			return err
		}
	}
	if got := hex.EncodeToString(hash.Sum(nil)); sum != "" && !strings.EqualFold(got, sum) {
		return openaierr.Invalid("md5", "checksum_mismatch", "The MD5 of the parts put together is %s, not the given one. Check the parts and their order.", got)
	}
	return out.Commit()
}

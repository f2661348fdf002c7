package azureopenai

import (
	"bytes"
	"encoding/base64"
	"fmt"
	goimage "image"
	_ "image/gif" // the formats that vision models read
	_ "image/jpeg"
	_ "image/png"
	"math"
	"strings"

	_ "golang.org/x/image/webp"
)

// image is an image part of a prompt.
type image struct {
	url           string // of a remote image
	format        string
	width, height int    // 0 where not known
	colour        string // the most common one; "" where not known
	low           bool   // detail: low
}

// maxDecoded is how many pixels are looked at for their colour; larger images are only measured.
const maxDecoded = 16 << 20

// readImage reads a data URL, or notes a remote one.
func readImage(url, detail string) (image, error) {
	img := image{low: detail == "low"}
	data, inline := strings.CutPrefix(url, "data:")
	if !inline {
		img.url = url
		return img, nil
	}
	mediaType, encoded, _ := strings.Cut(data, ",")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !strings.HasSuffix(mediaType, ";base64") {
		return img, errBadImage()
	}
	config, format, err := goimage.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return img, errBadImage()
	}
	img.format, img.width, img.height = format, config.Width, config.Height
	if config.Width*config.Height <= maxDecoded {
		if pixels, _, err := goimage.Decode(bytes.NewReader(raw)); err == nil {
			img.colour = mainColour(pixels)
		}
	}
	return img, nil
}

func errBadImage() error { // unverified
	return invalid("", "invalid_image_format", "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].")
}

// tokens follows the tile rule of gpt-4o for every model; an unknown size counts as 1024 by 1024.
func (img image) tokens() int {
	const base, perTile = 85, 170
	if img.low {
		return base
	}
	w, h := float64(img.width), float64(img.height)
	if w == 0 || h == 0 {
		w, h = 1024, 1024
	}
	if longest := max(w, h); longest > 2048 {
		w, h = w*2048/longest, h*2048/longest
	}
	if shortest := min(w, h); shortest > 768 {
		w, h = w*768/shortest, h*768/shortest
	}
	return base + perTile*int(math.Ceil(w/512))*int(math.Ceil(h/512))
}

func (img image) describe() string {
	switch {
	case img.url != "":
		return "an image at " + img.url + ", which was not fetched"
	case img.width == 0:
		return "an image in " + strings.ToUpper(img.format) + " format"
	}
	s := fmt.Sprintf("an image in %s format of %d by %d pixels", strings.ToUpper(img.format), img.width, img.height)
	if img.colour != "" {
		s += ", mostly " + img.colour
	}
	return s
}

var palette = []struct {
	name    string
	r, g, b int
}{
	{"black", 0, 0, 0}, {"white", 255, 255, 255}, {"grey", 128, 128, 128}, {"red", 220, 30, 30},
	{"green", 30, 160, 50}, {"blue", 40, 70, 220}, {"yellow", 240, 220, 40}, {"orange", 245, 140, 30},
	{"purple", 130, 50, 160}, {"pink", 250, 160, 190}, {"brown", 130, 80, 40}, {"turquoise", 50, 200, 200},
}

// mainColour names the colour most common in a grid of samples.
func mainColour(pixels goimage.Image) string {
	const grid = 24
	bounds := pixels.Bounds()
	votes := make([]int, len(palette))
	for i := range grid * grid {
		x := bounds.Min.X + (i%grid)*bounds.Dx()/grid
		y := bounds.Min.Y + (i/grid)*bounds.Dy()/grid
		r, g, b, _ := pixels.At(x, y).RGBA()
		votes[nearest(int(r>>8), int(g>>8), int(b>>8))]++
	}
	best := 0
	for i, n := range votes {
		if n > votes[best] {
			best = i
		}
	}
	return palette[best].name
}

func nearest(r, g, b int) int {
	best, distance := 0, math.MaxInt
	for i, p := range palette {
		if d := (r-p.r)*(r-p.r) + (g-p.g)*(g-p.g) + (b-p.b)*(b-p.b); d < distance {
			best, distance = i, d
		}
	}
	return best
}

package estimate

import (
	"fmt"
	"math"
	"slices"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// image counts an image of a message, in the form of chat or of responses.
func (c *counter) image(p rawjson.Node, param string) error {
	source, detail := p.Get("image_url"), p.Get("detail")
	if source.Kind() == '{' {
		source, detail, param = source.Get("url"), source.Get("detail"), param+".image_url.url"
	} else {
		param += ".image_url"
	}
	level := "auto"
	if !detail.Absent() {
		level = detail.Text()
	}
	if !slices.Contains([]string{"auto", "low", "high", "original"}, level) {
		return openaierr.Invalid(param, "invalid_value", "Invalid value for 'detail' of the image at '%s': %s. Use \"auto\", \"low\", \"high\" or \"original\".", param, excerpt(detail.Raw()))
	}
	var size *Size
	switch {
	case source.Kind() == '"':
		url := source.Text()
		encoded, ok := dataURL(url)
		if !ok && !isWebURL(url) {
			return openaierr.Invalid(param, "invalid_image_url", "Invalid image URL at '%s': %s. The URL must be a valid HTTP or HTTPS URL, or a data URL with base64 encoding, such as \"data:image/png;base64,...\".", param, excerpt(source.Raw()))
		}
		if ok {
			s, err := sizeOf(encoded)
			if err != nil {
				return openaierr.Invalid(param, "invalid_image", "The image at '%s' cannot be used: %v. Give a URL, or a data URL such as \"data:image/png;base64,...\" of a PNG, JPEG, WebP or GIF image that is not animated.", param, err)
			}
			size = &s
		}
	case !p.Get("file_id").Absent():
	default:
		return wrongType(param, "a string", source)
	}
	if size == nil && c.sizesUsed < len(c.Sizes) {
		size = &c.Sizes[c.sizesUsed]
		c.sizesUsed++
	}
	return c.addImage(size, level, param)
}

func (c *counter) addImage(size *Size, level, param string) error {
	rule := c.Images
	if rule == nil && len(c.Any) > 0 {
		least, most := anyRange(c.Any, size, level)
		c.addRange("images", least, most, 1, Estimated, "how this model counts images is not known: the ends of the range are those of all models")
		return nil
	}
	if rule == nil {
		c.missing("images", "no source says how this model counts images")
		return nil
	}
	basis, note := Documented, ""
	if rule.Source == "assumed" {
		basis, note = Estimated, "the rule for images is assumed for this model"
	} else if rule.Unverified != "" {
		basis, note = Estimated, rule.Unverified
	}
	if size == nil {
		least, most := imageRange(rule, level)
		if least != most {
			basis = Estimated
			c.addRange("images", least, most, 1, basis, "an image by URL is not fetched, so its size is not known: give it in 'estimate.images', as [{\"width\": 1024, \"height\": 768}]")
		} else {
			c.add("images", most, basis, note)
		}
		return nil
	}
	n, err := imageTokens(rule, *size, level)
	if err != nil {
		return openaierr.Invalid(param, "image_too_large", "The image at '%s' has %v.", param, err)
	}
	least, most := n, n
	if r := rule.Rival; r != nil {
		other := rivalTokens(r, *size)
		least, most, basis, note = min(n, other), max(n, other), Estimated, disputed
	}
	c.addRange("images", least, most, 1, basis, note)
	return nil
}

const disputed = "sources disagree about this model's rule for images: the ends of the range are theirs"

// rivalTokens counts an image by what another source says of a model.
func rivalTokens(r *catalog.Rival, size Size) int {
	n := patches(catalog.Detail{MaxDim: math.MaxInt, Budget: r.Budget}, float64(size.Width), float64(size.Height))
	return ceil(float64(n) * r.Multiplier)
}

// imageTokens counts an image of a size at a level of detail: "low", "high", "original" or "auto".
// The error says that the model would refuse it.
func imageTokens(rule *catalog.Images, size Size, level string) (int, error) {
	w, h := float64(size.Width), float64(size.Height)
	if rule.Kind == "tile" {
		return tiles(rule, w, h, levelOf(rule, level)), nil
	}
	d := rule.Detail[levelOf(rule, level)]
	n := patches(d, w, h)
	if d.RejectOver > 0 && n > d.RejectOver {
		return 0, fmt.Errorf("%d patches of 32x32 pixels, and the model takes at most %d: scale it down or ask for less detail", n, d.RejectOver)
	}
	return ceil(float64(n) * rule.Multiplier), nil
}

// levelOf returns a level that a rule has: what "auto" stands for, and "high" in place of one that it lacks.
func levelOf(rule *catalog.Images, level string) string {
	if level == "auto" {
		level = rule.Auto
	}
	if _, ok := rule.Detail[level]; !ok && level != "low" {
		return "high"
	}
	return level
}

// tiles: fit the image into a square of 2048, then its shorter side into 768, and count tiles of 512.
// Nothing is enlarged. Source: OpenAI's guide "Images and vision".
func tiles(rule *catalog.Images, w, h float64, level string) int {
	if level == "low" {
		return rule.Base
	}
	if long := max(w, h); long > 2048 {
		w, h = w*2048/long, h*2048/long
	}
	if short := min(w, h); short > 768 {
		w, h = w*768/short, h*768/short
	}
	return rule.Base + rule.PerTile*max(ceil(w/512), 1)*max(ceil(h/512), 1) // a long thin image is scaled to less than a pixel
}

// patches: fit the longer side into the level's bound, count squares of 32 pixels, and shrink the image
// to the level's budget of them. Source: as for tiles.
func patches(d catalog.Detail, w, h float64) int {
	if long := max(w, h); long > float64(d.MaxDim) {
		w, h = math.Round(w*float64(d.MaxDim)/long), math.Round(h*float64(d.MaxDim)/long)
		w, h = max(w, 1), max(h, 1)
	}
	n := ceil(w/32) * ceil(h/32)
	if d.Budget == 0 || n <= d.Budget {
		return n
	}
	shrink := math.Sqrt(32 * 32 * float64(d.Budget) / (w * h))
	across, down := w*shrink/32, h*shrink/32
	// Whole patches along one side, unless it is so thin that there is none.
	if fit := min(math.Floor(across)/across, math.Floor(down)/down); fit > 0 {
		shrink *= fit
	}
	w, h = max(math.Floor(w*shrink), 1), max(math.Floor(h*shrink), 1)
	return min(ceil(w/32)*ceil(h/32), d.Budget)
}

// imageRange returns the fewest and the most tokens of an image of any size.
func imageRange(rule *catalog.Images, level string) (least, most int) {
	level = levelOf(rule, level)
	if rule.Kind == "tile" {
		if level == "low" {
			return rule.Base, rule.Base
		}
		return rule.Base + rule.PerTile, rule.Base + 8*rule.PerTile // 2048x768: 4 by 2
	}
	d := rule.Detail[level]
	side := ceil(float64(d.MaxDim) / 32)
	n := side * side
	for _, bound := range []int{d.Budget, d.RejectOver} {
		if bound > 0 {
			n = min(n, bound)
		}
	}
	least, most = ceil(rule.Multiplier), ceil(float64(n)*rule.Multiplier)
	if r := rule.Rival; r != nil {
		least, most = min(least, ceil(r.Multiplier)), max(most, ceil(float64(r.Budget)*r.Multiplier))
	}
	return least, most
}

// anyRange returns the fewest and the most tokens of an image by any of these rules. A nil size is any.
func anyRange(rules []*catalog.Images, size *Size, level string) (least, most int) {
	least = math.MaxInt
	for _, rule := range rules {
		low, high := imageRange(rule, level)
		if size != nil {
			n, err := imageTokens(rule, *size, level)
			if err != nil {
				continue // the model refuses it
			}
			low, high = n, n
			if r := rule.Rival; r != nil {
				other := rivalTokens(r, *size)
				low, high = min(n, other), max(n, other)
			}
		}
		least, most = min(least, low), max(most, high)
	}
	return min(least, most), most
}

// ceil rounds up, except for what floating point adds to a whole number.
func ceil(x float64) int { return int(math.Ceil(x - 1e-9)) }

func excerpt(raw []byte) string {
	if len(raw) > 40 {
		return string(raw[:40]) + "..."
	}
	return string(raw)
}

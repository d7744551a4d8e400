package expr

import "sync"

// Cache keeps parsed expressions: an application sends the same few texts over and over. It holds at most two
// generations of a fixed number of entries; what is not asked for while a generation fills is dropped. The zero Cache is
// ready for use, by any number of goroutines.
type Cache struct {
	mu         sync.RWMutex
	young, old map[cacheKey]any
}

type cacheKey struct{ param, text string }

const generation = 512

// Condition is [ParseCondition] through the cache.
func (c *Cache) Condition(param, text string) (*ParsedCondition, error) {
	return cached(c, cacheKey{param, text}, func() (*ParsedCondition, error) { return ParseCondition(param, text) })
}

// Update is [ParseUpdate] through the cache.
func (c *Cache) Update(text string) (*ParsedUpdate, error) {
	return cached(c, cacheKey{"UpdateExpression", text}, func() (*ParsedUpdate, error) { return ParseUpdate(text) })
}

// Projection is [ParseProjection] through the cache.
func (c *Cache) Projection(text string) (*ParsedProjection, error) {
	return cached(c, cacheKey{"ProjectionExpression", text}, func() (*ParsedProjection, error) { return ParseProjection(text) })
}

func cached[T any](c *Cache, key cacheKey, parse func() (*T, error)) (*T, error) {
	c.mu.RLock()
	found, ok := c.young[key]
	if !ok {
		found = c.old[key]
	}
	c.mu.RUnlock()
	if ok {
		return found.(*T), nil
	}
	t, isOld := found.(*T)
	if !isOld {
		var err error
		if t, err = parse(); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= generation || c.young == nil {
		c.old, c.young = c.young, make(map[cacheKey]any)
	}
	c.young[key] = t
	return t, nil
}

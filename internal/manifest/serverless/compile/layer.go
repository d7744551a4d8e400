package compile

import (
	"strings"

	"github.com/nube-run/nube/internal/manifest"
)

// layers compiles the layers that the service brings.
func (s *service) layers() []Layer {
	var out []Layer
	section := set(s.config.Get("layers"))
	if section == nil {
		return nil
	}
	for _, f := range section.Fields {
		id, c := layerID(f.Key), f.Value
		out = append(out, Layer{Key: f.Key, LogicalID: id})
		name := str(c, "name")
		if name == "" {
			name = f.Key
		}
		var deletion any
		if truthy(c.Get("retain")) {
			deletion = "Retain"
		}
		s.resources.put(id, f.Pos, obj{
			{"Type", "AWS::Lambda::LayerVersion"},
			{"Properties", obj{
				{"Content", obj{{manifest.CodePath, s.layerCode(f.Key)}}},
				{"LayerName", name},
				{"Description", or(c.Get("description"))},
				{"LicenseInfo", or(c.Get("licenseInfo"))},
				{"CompatibleRuntimes", or(c.Get("compatibleRuntimes"))},
				{"CompatibleArchitectures", or(c.Get("compatibleArchitectures"))},
			}},
			{"DeletionPolicy", deletion},
		})
		for _, account := range texts(c.Get("allowedAccounts")) {
			s.resources.put(normalize(f.Key)+strings.Replace(account, "*", "Wild", 1)+"LambdaLayerPermission", f.Pos, obj{
				{"Type", "AWS::Lambda::LayerVersionPermission"},
				{"Properties", obj{
					{"Action", "lambda:GetLayerVersion"},
					{"LayerVersionArn", ref(id)},
					{"Principal", account},
				}},
				{"DeletionPolicy", deletion},
			})
		}
		s.outputs.put(id+"QualifiedArn", f.Pos, obj{
			{"Description", "Current Lambda layer version"},
			{"Value", ref(id)},
		})
	}
	return out
}

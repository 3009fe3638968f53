package cutover_test

import (
	"context"
	"fmt"
	"os"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// An application that has not been moved yet: the first broken link says where to begin.
func ExampleExplain() {
	fleet := cutovertest.New(nil)
	cluster := fleet.AddCluster("aks-eastus-01", "eastus", 3)
	cluster.Deploy(cutovertest.App{Namespace: "shop", Name: "web", Replicas: -1})
	x, err := cutover.Explain(context.Background(), cluster, cutover.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := x.Show(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Deployment/web in namespace shop
	//   ?       pod                  no pod of it runs; its template is looked at
	//   BROKEN  label                the label azure.workload.identity/use is not on the pod template
	//   ok      service account      web
	//   BROKEN  annotation           no azure.workload.identity/client-id: pods get no AZURE_CLIENT_ID, and SDKs fall back to IMDS without a word
	//   ok      webhook              it injects the workload's next pod
	//   ?       environment          no pod to look at
	//   ok      issuer               https://eastus.oic.prod-aks.azure.com/11111111-1111-4111-8111-111111111111/00000000-0000-4000-8000-000000000001/
	//   ?       federated credential nobody reads what identities trust; needed is issuer https://eastus.oic.prod-aks.azure.com/11111111-1111-4111-8111-111111111111/00000000-0000-4000-8000-000000000001/, subject system:serviceaccount:shop:web, audience api://AzureADTokenExchange
	//   ?       exchange             the client ID is unknown
	//   ?       application          nobody knows how the application gets its tokens
	//   old path: aadpodidbinding=shop-web → AzureIdentityBinding/shop-web-binding → AzureIdentity/shop-web (client ID 37126eef-126e-46ee-8000-37126eef5637)
	// first broken link: label: the label azure.workload.identity/use is not on the pod template
	//   fix: put the label azure.workload.identity/use: "true" on the pod template (spec.template.metadata.labels), and let the pods be made anew
}

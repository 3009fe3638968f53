resource "azurerm_federated_identity_credential" "referenced" {
  name                      = "fic-app"
  user_assigned_identity_id = azurerm_user_assigned_identity.app.id
  audience                  = ["api://AzureADTokenExchange"]
  issuer                    = azurerm_kubernetes_cluster.aks.oidc_issuer_url
  subject                   = "system:serviceaccount:default:app"
}

resource "azurerm_federated_identity_credential" "pasted" {
  name                      = "fic-hotfix"
  user_assigned_identity_id = azurerm_user_assigned_identity.app.id
  audience                  = ["api://AzureADTokenExchange"]
  issuer                    = "https://eastus.oic.prod-aks.azure.com/72f988bf-0000-4000-8000-2d7cd011db47/08345813-8f1c-4f43-8197-7334b4d570ce/"
  subject                   = "system:serviceaccount:default:hotfix"
}

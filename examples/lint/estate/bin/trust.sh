#!/bin/sh
ISSUER="https://$REGION.oic.prod-aks.azure.com/$TENANT/$CLUSTER_GUID/"
PARTNER=https://westeurope.oic.prod-aks.azure.com/11111111-0000-4000-8000-2d7cd011db47/22222222-960c-4558-8ed7-aecff65d788f/ # wimigrate:ignore pasted-issuer a partner's cluster
